internal import RecurraLayers
package import RecurraTensor

/// A list of PyTorch's modules, `[{"module": "LSTM", "prefix": "rnn", …}]`, with the constructors' arguments by their
/// names and defaults; the weights are a state dict beside it.
package struct PyTorchListFormat: ModelFormat {
  /// The format's name.
  package let name = "list of PyTorch's modules"
  /// None: what goes back to PyTorch is a state dict.
  package let fileExtensions: [String] = []

  /// Makes the format.
  package init() {}

  /// The name that a list has among a description's metadata, and those of a file.
  static let metadataName = "modules"

  /// Tells a list of objects that name a module and no class of Keras.
  package func recognizes(_ file: FileContents) -> Bool {
    guard file.firstCharacter == UInt8(ascii: "["), let json = try? Self.json(file), case .array(let items) = json
    else { return false }
    return items.contains { $0["module"] != nil && $0["class_name"] == nil }
  }

  private static func json(_ file: FileContents) throws(RecurraError) -> JSONValue {
    guard file.file.byteCount <= JSONValue.Limits().byteCount else {
      throw file.file.damaged(expected: "a list of modules", got: "\(file.file.byteCount) bytes")
    }
    return try JSONValue(parsing: file.file.bytes(0..<file.file.byteCount), operation: file.operation)
  }

  /// Makes the model of the list, with the weights of the file that the options name.
  package func read(_ file: FileContents, _ options: ReadingOptions) throws(RecurraError) -> ModelDescription {
    let list = try Self.json(file)
    guard let path = options.weights else {
      var description = try Self.description(of: list, operation: file.operation, tensors: nil)
      description.warnings.append("\(file.operation): no file with weights was named, so they are drawn anew")
      return description
    }
    let weights = try ModelFormats.read(path, ReadingOptions(registry: options.registry))
    var description = try Self.description(
      of: list, operation: file.operation, tensors: weights.tensors, from: "read \(path)")
    description.warnings = weights.warnings + description.warnings
    return description
  }

  /// Makes the model of a list.
  static func description(
    of list: JSONValue, operation: String, tensors: NamedValues<StoredTensor>?, from weights: String? = nil
  ) throws(RecurraError) -> ModelDescription {
    let network = try TorchNetwork(list, operation: operation)
    let isDouble = tensors.map { tensors in
      network.parts.contains { part in
        part.tensors.contains { name in tensors.contains { $0.name.hasSuffix(name.name) && $0.value.isDouble } }
      }
    }
    let model = try network.model(dtype: isDouble == true ? .float64 : .float32)
    var description = ModelDescription(model: model)
    if let tensors {
      let state = TorchStateDict(network: network, operation: weights ?? operation, tensors: tensors)
      if let warning = try state.assign() { description.warnings.append(warning) }
      description.tensors = tensors
    }
    let counted = network.counting(tensors ?? [:])
    description.metadata[metadataName] = counted.text
    model.origin = counted.text
    (description.inputBatchAxis, description.outputBatchAxis) = model.batchAxes
    return description
  }

  /// Refuses: a list says nothing of weights.
  package func write(
    _ description: ModelDescription, to path: String, _ options: WritingOptions
  ) throws(RecurraError) {
    throw RecurraError(
      .badArgument, operation: "write \(path)", expected: "a format that holds weights", got: "a list of modules")
  }
}

extension StoredTensor {
  /// Tells whether the numbers have 64 bits.
  fileprivate var isDouble: Bool { format == .float64 }
}
