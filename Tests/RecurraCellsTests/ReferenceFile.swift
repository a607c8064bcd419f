import Foundation
import RecurraCells
import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// A file of reference values; Tests/Fixtures/README.md says what its tensors are called.
struct ReferenceFile {
  let tensors: [String: Tensor]
  /// The constructor arguments of each case; none for a case that has only defaults.
  private let options: JSONValue

  init(_ name: String) throws {
    let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Fixtures/\(name).safetensors")
    let file = try SafeTensors(contentsOf: path.standardized.path)
    tensors = file.tensors
    let about = try JSONValue(parsing: [UInt8](#require(file.metadata["fixture"]).utf8))
    options = try #require(about["cases"])
  }

  /// The names of the cases.
  var cases: [String] { Set(tensors.keys.map { String($0.prefix { $0 != "." }) }).sorted() }

  func contents(of name: String) -> ReferenceCase {
    let prefix = "\(name)."
    let own = tensors.filter { $0.key.hasPrefix(prefix) }
    return ReferenceCase(
      name: name, tensors: Dictionary(uniqueKeysWithValues: own.map { (String($0.dropFirst(prefix.count)), $1) }),
      options: options[name])
  }
}

/// One case of a file: what was given, and what came out.
struct ReferenceCase {
  let name: String
  let tensors: [String: Tensor]
  let options: JSONValue?

  var lengths: [Int]? { tensors["lengths"]?.scalars(as: Int32.self).map { Int($0) } }

  func flag(_ option: String) -> Bool { options?[option] == .bool(true) }

  func activation(_ option: String, _ standard: Activation) -> Activation {
    guard case .string(let name) = options?[option] else { return standard }
    return Activation(rawValue: name) ?? standard
  }

  func tensor(_ what: String) throws -> Tensor { try #require(tensors[what], "\(name).\(what)") }

  /// Compares the results, and the gradients of their sum with the upstream gradients as weights.
  ///
  /// Every result and every gradient in the file must be there, and no other.
  func expect(results: [String: Tensor], sources: [String: Tensor], _ comment: String) throws {
    var objective = Tensor(0)
    for (what, found) in results.sorted(by: { $0.key < $1.key }) {
      expectClose(found, try tensor(what), "\(comment) \(name).\(what)")
      let upstream = what.replacing("output", with: "upstream").replacing("final_", with: "upstream_")
      objective = objective + (found * (try tensor(upstream))).sum()
    }
    let names = sources.keys.sorted()
    let wanted = tensors.keys.filter { $0.hasPrefix("grad_") }.map { String($0.dropFirst(5)) }
    #expect(names == wanted.sorted(), "\(comment) \(name)")
    let outputs = tensors.keys.filter { $0.contains("output") || $0.contains("final_") }
    #expect(results.keys.sorted() == outputs.sorted(), "\(comment) \(name)")
    let gradients = objective.gradients(withRespectTo: names.compactMap { sources[$0] })
    for (what, found) in zip(names, gradients) {
      expectClose(found, try tensor("grad_\(what)"), "\(comment) \(name).grad_\(what)")
    }
  }

  /// Holds each slice along the first axis to a bound relative to its own largest element, as the file itself was held.
  private func expectClose(_ found: Tensor, _ wanted: Tensor, _ comment: String) {
    guard wanted.rank > 1, found.shape == wanted.shape else {
      return TestSupport.expectClose(found, wanted, relative: Tolerance.peers, toLargest: true, comment)
    }
    for index in 0..<wanted.shape[0] {
      TestSupport.expectClose(
        found[index], wanted[index], relative: Tolerance.peers, toLargest: true, "\(comment)[\(index)]")
    }
  }
}
