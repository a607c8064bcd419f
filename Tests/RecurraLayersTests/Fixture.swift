import Foundation
import RecurraLayers
import TestSupport

/// The path of a committed file of reference values.
func fixturePath(_ name: String) -> String { Fixture.path(name) }

func fixtureText(_ name: String) throws -> String {
  try String(contentsOf: URL(filePath: fixturePath(name)), encoding: .utf8)
}

extension Fixture.Case {
  /// The constructor arguments but for those named.
  func arguments(without names: [String]) -> [(name: String, value: JSONValue)] {
    guard case .object(let members)? = arguments else { return [] }
    return members.filter { !names.contains($0.name) }
  }
}
