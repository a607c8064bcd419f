import RecurraTensor
import TestSupport
import Testing

extension Fixture {
  /// A tensor by its full name, which must be there.
  func tensor(_ name: String) throws -> Tensor { try #require(tensors[name], "there is no \(name)") }
}
