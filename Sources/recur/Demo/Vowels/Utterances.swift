internal import CRecurraVowels
internal import Recurra
internal import RecurraLayers

/// Utterances of two vowels by nine men, each a series of 7 to 29 timesteps of twelve cepstrum coefficients.
///
/// - Source: Kudo, Toyama & Shimbo 1999, Japanese Vowels, UCI Machine Learning Repository, doi:10.24432/C5NS47.
struct Utterances {
  /// Twelve cepstrum coefficients.
  static let features = 12
  /// As many speakers.
  static let speakers = 9

  /// [N, T, 12], with zeros behind the end of each utterance.
  let steps: Tensor
  /// The timesteps of each utterance.
  let lengths: [Int]
  /// Who speaks, from 0 on: int32 [N].
  let labels: Tensor

  var count: Int { lengths.count }

  /// The two parts into which UCI divides them.
  static func embedded() throws(RecurraError) -> (training: Utterances, test: Utterances) {
    var count = 0
    let bytes = unsafe Array(UnsafeBufferPointer(start: recurra_vowels(&count), count: count))
    let file = try SafeTensors(InputFile(bytes, operation: "read the utterances in recur"))
    return (try Utterances("training", of: file), try Utterances("test", of: file))
  }

  private init(_ part: String, of file: SafeTensors) throws(RecurraError) {
    guard let steps = file.tensors["\(part).steps"], let lengths = file.tensors["\(part).lengths"],
      let labels = file.tensors["\(part).speakers"]
    else {
      throw RecurraError(
        .badFile, operation: "read the utterances in recur", expected: "steps, lengths and speakers for \(part)",
        got: file.tensors.map(\.name).joined(separator: ", "))
    }
    var (rows, start) = ([Tensor](), 0)
    for length in lengths.scalars(as: Int32.self) {
      rows.append(steps[start..<start + Int(length)])
      start += Int(length)
    }
    (self.steps, self.lengths) = try Tensor.padSequences(rows)
    self.labels = labels
  }
}
