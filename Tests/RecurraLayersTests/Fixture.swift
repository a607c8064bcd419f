import Foundation
import RecurraLayers
import RecurraTensor
import Testing

/// The path of a committed file of reference values.
func fixturePath(_ name: String) -> String {
  URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Fixtures/\(name)").standardized.path
}

func fixtureText(_ name: String) throws -> String {
  try String(contentsOf: URL(filePath: fixturePath(name)), encoding: .utf8)
}

/// A file of reference values: cases with tensors and, where a case needs them, constructor arguments.
struct Fixture {
  private let file: SafeTensors
  private let arguments: JSONValue

  init(_ name: String) throws {
    file = try SafeTensors(contentsOf: fixturePath("\(name).safetensors"))
    let about = try JSONValue(parsing: Array((file.metadata["fixture"] ?? "").utf8))
    arguments = about["cases"] ?? .object([])
  }

  var caseNames: [String] {
    Set(file.tensors.keys.compactMap { $0.split(separator: ".").first.map(String.init) }).sorted()
  }

  func named(_ name: String) -> Case {
    let prefix = name + "."
    let tensors = file.tensors.filter { $0.key.hasPrefix(prefix) }
    return Case(
      name: name, arguments: arguments[name] ?? .object([]),
      tensors: Dictionary(uniqueKeysWithValues: tensors.map { (String($0.key.dropFirst(prefix.count)), $0.value) }))
  }

  struct Case {
    let name: String
    let arguments: JSONValue
    let tensors: [String: Tensor]

    subscript(_ name: String) -> Tensor? { tensors[name] }

    func required(_ name: String) throws -> Tensor { try #require(tensors[name], "\(self.name).\(name)") }

    var lengths: [Int]? { tensors["lengths"]?.scalars(as: Int32.self).map(Int.init) }

    /// The constructor arguments but for those named.
    func arguments(without names: [String]) -> [(name: String, value: JSONValue)] {
      guard case .object(let members) = arguments else { return [] }
      return members.filter { !names.contains($0.name) }
    }
  }
}
