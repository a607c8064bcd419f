public import RecurraLayers

/// What a file says: a model with its parameters, how it is trained, or tensors alone.
public struct ModelDescription: Sendable {
  /// The model with its parameters; nil where the file holds tensors alone.
  public var model: (any Network)?
  /// The tensors as the file names them.
  public var tensors: NamedValues<StoredTensor>
  /// How the model is trained, and how far that has come; nil where the file says nothing of it.
  public var training: TrainingDescription?
  /// What else the file says about itself: texts by name.
  public var metadata: NamedValues<String>
  /// How often each operator stands in the file's graph.
  public var operators: NamedValues<Int>
  /// The graph of arrays that the model is, where it is run on arrays as they are given; nil for models of layers.
  public var arrayGraph: (any ArrayGraph)?
  /// The axis of the model's input that is the batch in the file's own system: 1 for PyTorch's [T, B, I].
  ///
  /// The model itself always reads [B, …]; whoever hands over arrays by the file's layout exchanges the axes.
  public var inputBatchAxis = 0
  /// The axis of the model's output that is the batch in the file's own system.
  public var outputBatchAxis = 0
  /// What the reader of the file should know, a line each.
  public var warnings: [String]

  /// Makes a description.
  public init(
    model: (any Network)? = nil, tensors: NamedValues<StoredTensor> = [:], training: TrainingDescription? = nil,
    metadata: NamedValues<String> = [:], operators: NamedValues<Int> = [:], arrayGraph: (any ArrayGraph)? = nil,
    warnings: [String] = []
  ) {
    (self.model, self.tensors, self.training) = (model, tensors, training)
    (self.metadata, self.operators, self.arrayGraph, self.warnings) = (metadata, operators, arrayGraph, warnings)
  }
}

extension ModelDescription {
  /// The tensors, or the model's parameters by their paths where there are none.
  var allTensors: NamedValues<StoredTensor> {
    guard tensors.isEmpty, let model else { return tensors }
    var result: NamedValues<StoredTensor> = [:]
    for (path, parameter) in model.namedParameters { result[path] = StoredTensor(parameter.value) }
    return result
  }
}
