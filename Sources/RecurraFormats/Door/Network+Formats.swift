public import RecurraLayers
public import RecurraTensor
public import RecurraTraining

extension Model {
  /// Reads a model from a file of any format: Recurra's own, Keras, PyTorch, ONNX.
  ///
  /// ```swift
  /// let model = try Model.load("sentiment.keras")
  /// let answers = try model.predict(x)
  /// ```
  ///
  /// - Parameters:
  ///   - path: The file; its content says what it is, not its name.
  ///   - weights: The file with the weights, where `path` is an architecture alone.
  ///   - registry: What the file may name; layers of one's own are registered there.
  /// - Throws: `noInput` when there is no such file; `badFile` when it is damaged, holds no model, or what this package
  ///   does not have, named.
  public static func load(
    _ path: String, weights: String? = nil, registry: Registry = .formats
  ) throws(RecurraError) -> any Network {
    let description = try ModelFormats.read(path, ReadingOptions(registry: registry, weights: weights, for: .model))
    guard let model = description.model else {
      throw RecurraError(
        .badFile, operation: "read \(path)", expected: "a model", got: "\(description.tensors.count) tensors alone")
    }
    return model
  }
}

extension Network {
  /// Writes the model in the format that the file's name ends in: `.keras`, `.onnx`, `.safetensors` …; any other name
  /// gets Recurra's own.
  ///
  /// - Throws: `badArgument` for a model that is not built or that the format cannot say; `cannotCreate` and
  ///   `inputOutput`.
  public func save(to path: String) throws(RecurraError) {
    try ModelFormats.write(ModelDescription(model: self), to: path)
  }
}

extension Trainer {
  /// Makes the trainer that a file describes: of a compiled Keras model with its loss, metrics and optimiser, or of
  /// one that `save(to:)` wrote.
  ///
  /// A model of Keras trains and reports by Keras' own reductions.
  ///
  /// - Throws: What `Model.load(_:)` throws; `badFile` for a model that is not compiled.
  public static func load(_ path: String, registry: Registry = .formats) throws(RecurraError) -> Trainer {
    let description = try ModelFormats.read(path, ReadingOptions(registry: registry, for: .model))
    guard let model = description.model, let training = description.training else {
      throw RecurraError(
        .badFile, operation: "read \(path)", expected: "a compiled model", got: "one without loss and optimiser")
    }
    return try training.trainer(of: model)
  }

  /// Writes the model with its loss, metrics, optimiser and what that remembers, in the format that the file's name
  /// ends in, as far as the format can say it.
  ///
  /// - Throws: What `Network.save(to:)` throws; `notFinite` when a weight is NaN or infinite.
  public func save(to path: String) throws(RecurraError) {
    try ModelFormats.write(ModelDescription(model: model, training: TrainingDescription(self)), to: path)
  }
}
