import Foundation
import Recurra

/// What is asked, and what the server must say.
struct Question: Sendable {
  let body: String
  /// The probabilities to the bit; nil for what cannot be answered.
  let probabilities: [Float]?

  struct All: Sendable {
    let good: [Question]
    let bad: [Question]

    /// Every tenth question is one that cannot be answered.
    func of(_ number: Int) -> Question {
      number % 10 == 9 ? bad[number / 10 % bad.count] : good[number % good.count]
    }
  }

  private struct Answer: Decodable {
    let label: Int
    let probabilities: [Float]
  }

  /// Makes questions of many lengths, with the answers of a model that nobody else asks.
  static func all(answeredBy model: Sequential) throws -> All {
    var random = SystemRandomNumberGenerator()
    let good = try (0..<200).map { number in
      let ids = (0..<number % 40 + 1).map { _ in Int.random(in: 1..<500, using: &random) }
      let tensor = try Tensor(validating: ids, shape: [1, ids.count], dtype: .int32)
      return Question(body: #"{"ids":\#(ids)}"#, probabilities: try model.predict(tensor).scalars(as: Float.self))
    }
    let tooMany = (0..<300).map { "\($0)" }.joined(separator: ",")
    let bad = [
      "", "{", "[]", "null", #"{"ids":[]}"#, #"{"ids":[500]}"#, #"{"ids":[-1]}"#, #"{"ids":[1.5]}"#,
      #"{"ids":[99999999999]}"#, #"{"ids":[99999999999999999999999]}"#, #"{"ids":"1"}"#, #"{"ids":[null]}"#,
      #"{"ids":[NaN]}"#, #"{"ids":[[1]]}"#, #"{"id":[1]}"#, #"{"ids":[\#(tooMany)]}"#,
      String(repeating: "[", count: 5_000), #"{"ids":[1e400]}"#, "\u{0}", #"{"ids":{"0":1}}"#,
    ]
    return All(good: good, bad: bad.map { Question(body: $0, probabilities: nil) })
  }

  /// Tells whether an answer is right.
  func accepts(_ status: Int, _ body: String) -> Bool {
    guard let probabilities else { return (400..<500).contains(status) }
    guard status == 200, let answer = try? JSONDecoder().decode(Answer.self, from: Data(body.utf8)) else {
      return false
    }
    let largest = probabilities.indices.max { probabilities[$0] < probabilities[$1] }
    return answer.probabilities == probabilities && answer.label == largest
  }
}
