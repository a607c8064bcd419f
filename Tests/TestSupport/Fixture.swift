package import RecurraLayers
package import RecurraTensor
import Testing

/// A file of reference values from another system; Tests/Fixtures/README.md says what its tensors are called.
package struct Fixture {
  /// Every tensor by its full name, `<case>.<what>`.
  package let tensors: [String: Tensor]
  private let arguments: JSONValue?

  /// Reads `Tests/Fixtures/<name>.safetensors`.
  package init(_ name: String) throws {
    let file = try SafeTensors(contentsOf: Self.path("\(name).safetensors"))
    tensors = Dictionary(uniqueKeysWithValues: file.tensors.map { ($0.name, $0.value) })
    arguments = try file.metadata["fixture"].map { try JSONValue(parsing: Array($0.utf8)) }?["cases"]
  }

  /// Where a file of the fixtures lies.
  package static func path(_ file: String) -> String {
    let tests = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(2)
    return (tests + ["Fixtures", Substring(file)]).joined(separator: "/")
  }

  /// The cases in the order of their names.
  package var cases: [Case] {
    Set(tensors.keys.map { String($0.prefix { $0 != "." }) }).sorted().map { self[$0] }
  }

  /// One case.
  package subscript(name: String) -> Case {
    let prefix = name + "."
    let own = tensors.filter { $0.key.hasPrefix(prefix) }.map { (String($0.key.dropFirst(prefix.count)), $0.value) }
    return Case(name: name, arguments: arguments?[name], tensors: Dictionary(uniqueKeysWithValues: own))
  }

  package struct Case {
    package let name: String
    /// The constructor arguments in Keras' names; nil for a case that has only defaults.
    package let arguments: JSONValue?
    package let tensors: [String: Tensor]

    package subscript(what: String) -> Tensor? { tensors[what] }

    /// A tensor that must be there.
    package func required(_ what: String) throws -> Tensor { try #require(tensors[what], "\(name).\(what)") }

    /// Valid timesteps of each row; nil where every row is full.
    package var lengths: [Int]? { tensors["lengths"]?.scalars(as: Int32.self).map { Int($0) } }

    /// An argument that is true or false; false where it is left out.
    package func flag(_ argument: String) -> Bool { arguments?[argument] == .bool(true) }

    /// An activation argument, or the one that holds where it is left out.
    package func activation(_ argument: String, default standard: Activation) -> Activation {
      guard case .string(let name) = arguments?[argument] else { return standard }
      return Activation(rawValue: name) ?? standard
    }
  }
}
