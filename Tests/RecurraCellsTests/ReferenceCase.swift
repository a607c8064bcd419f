import RecurraTensor
import TestSupport
import Testing

extension Fixture.Case {
  /// Compares the results, and the gradients of their sum with the upstream gradients as weights.
  ///
  /// Every result and every gradient in the file must be there, and no other.
  func expect(results: [String: Tensor], sources: [String: Tensor], _ comment: String) throws {
    var objective = Tensor(0)
    for (what, found) in results.sorted(by: { $0.key < $1.key }) {
      expectClose(found, try required(what), "\(comment) \(name).\(what)")
      let upstream = what.replacing("output", with: "upstream").replacing("final_", with: "upstream_")
      objective = objective + (found * (try required(upstream))).sum()
    }
    let names = sources.keys.sorted()
    let wanted = tensors.keys.filter { $0.hasPrefix("grad_") }.map { String($0.dropFirst(5)) }
    #expect(names == wanted.sorted(), "\(comment) \(name)")
    let outputs = tensors.keys.filter { $0.contains("output") || $0.contains("final_") }
    #expect(results.keys.sorted() == outputs.sorted(), "\(comment) \(name)")
    let gradients = objective.gradients(withRespectTo: names.compactMap { sources[$0] })
    for (what, found) in zip(names, gradients) {
      expectClose(found, try required("grad_\(what)"), "\(comment) \(name).grad_\(what)")
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
