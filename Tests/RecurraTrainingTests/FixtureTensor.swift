import RecurraLayers
import RecurraTensor
import Testing

/// Reference values that a committed script got from Keras.
struct Reference {
  let file: SafeTensors
  let name: String

  init(_ name: String) throws {
    self.name = name
    file = try SafeTensors(contentsOf: Self.path("\(name).safetensors"))
  }

  subscript(tensor: String) -> Tensor {
    get throws { try #require(file.tensors[tensor], "\(name).safetensors has no \(tensor)") }
  }

  /// Where a reference file lies.
  static func path(_ file: String) -> String {
    var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(2)
    parts += ["Fixtures", Substring(file)]
    return parts.joined(separator: "/")
  }
}
