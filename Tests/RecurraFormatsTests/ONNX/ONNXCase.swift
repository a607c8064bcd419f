import Foundation
import RecurraFormats
import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// A model of the fixture onnx_graphs, with inputs and outputs in their own types.
struct ONNXCase {
  let name: String
  let model: [UInt8]
  let inputs: NamedValues<StoredTensor>
  let outputs: NamedValues<StoredTensor>

  init(_ test: Fixture.Case) throws {
    name = test.name
    model = try test.required("model").scalars(as: Int32.self).map { UInt8(truncatingIfNeeded: $0) }
    var (inputs, outputs) = (NamedValues<StoredTensor>(), NamedValues<StoredTensor>())
    for (key, tensor) in test.tensors where key != "model" {
      let parts = key.split(separator: ":", maxSplits: 1)
      let value = String(parts[1])
      guard case .string(let type)? = test.arguments?["types"]?[value] else { continue }
      let stored = try Self.stored(tensor, try #require(ElementFormat(rawValue: type)))
      if parts[0] == "input" { inputs[value] = stored } else { outputs[value] = stored }
    }
    (self.inputs, self.outputs) = (inputs, outputs)
  }

  init(_ name: String) throws { try self.init(try Fixture("onnx_graphs")[name]) }

  /// A fixture holds whole numbers as int32.
  private static func stored(_ tensor: Tensor, _ format: ElementFormat) throws -> StoredTensor {
    guard tensor.dtype == .int32 else { return StoredTensor(tensor) }
    var bytes: [UInt8] = []
    for number in tensor.scalars(as: Int32.self) {
      for index in 0..<format.byteCount { bytes.append(UInt8(truncatingIfNeeded: Int64(number) >> (8 * Int64(index)))) }
    }
    return StoredTensor(format, shape: tensor.shape, bytes: bytes)
  }

  /// Reads the model as a file.
  func read() throws -> ModelDescription { try Self.read(model) }

  static func read(_ bytes: [UInt8]) throws(RecurraError) -> ModelDescription {
    let file = InputFile(bytes, operation: "read model.onnx")
    return try ONNXFormat().read(FileContents(file, path: "model.onnx"), ReadingOptions())
  }
}
