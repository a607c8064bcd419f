internal import RecurraLayers
internal import RecurraTensor
internal import RecurraTraining

/// Puts the parts of Keras' files together to a model.
struct KerasModelReader {
  /// Names the file in errors: "read model.keras".
  let operation: String
  let options: ReadingOptions

  /// The model of an architecture and weights, with how it is trained.
  ///
  /// - Throws: `badFile` for layers and settings that there are not, and for weights that do not fit.
  func model(
    _ config: JSONValue, version: KerasVersion, weights: HDF5Group, compile: JSONValue?, metadata: JSONValue
  ) throws(RecurraError) -> ModelDescription {
    let model: any Network
    do throws(RecurraError) {
      let modern = try KerasDialect(version: version).modern(config)
      model = try NetworkKind(configuration: modern, registry: options.registry).network
      if !model.isBuilt, let shape = Self.inputShape(modern) {
        try model.build(inputShape: shape)
      }
    } catch {
      throw RecurraError(
        error.kind == .badArgument || error.kind == .badData ? .badFile : error.kind,
        operation: "\(operation), \(error.operation)", expected: error.expected, got: error.got)
    }
    guard model.isBuilt else {
      throw RecurraError(.badFile, operation: operation, expected: "an input shape", got: "a model without one")
    }
    try KerasWeights.load(into: model, from: weights)
    var description = ModelDescription(model: model)
    if options.purpose == .everything { description.tensors = try Self.tensors(weights) }
    if case .object(let members) = metadata {
      for case (let name, .string(let text)) in members { description.metadata[name] = text }
    }
    if let compile, compile != .null { try read(compile, version, weights, model, &description) }
    return description
  }

  /// The tensors of a file without an architecture.
  func weightsAlone(_ root: HDF5Group) throws(RecurraError) -> ModelDescription {
    ModelDescription(tensors: try Self.tensors(root))
  }

  private static func tensors(_ root: HDF5Group) throws(RecurraError) -> NamedValues<StoredTensor> {
    var tensors: NamedValues<StoredTensor> = [:]
    for (path, dataset) in try root.datasets() { tensors[path] = try dataset.tensor(named: path) }
    return tensors
  }

  /// The shape that a model which was built by its data has been built for.
  private static func inputShape(_ config: JSONValue) -> [Int?]? {
    guard case .array(let extents)? = config["build_config"]?["input_shape"], !extents.isEmpty else { return nil }
    return [nil]
      + extents.dropFirst().map { extent in if case .integer(let extent) = extent { extent } else { nil } }
  }

  private func read(
    _ compile: JSONValue, _ version: KerasVersion, _ weights: HDF5Group, _ model: any Network,
    _ description: inout ModelDescription
  ) throws(RecurraError) {
    let reader = KerasCompileReader(model: model, registry: options.registry, operation: operation)
    guard var training = try reader.training(KerasDialect(version: version).modernCompile(compile)) else { return }
    if let kept = try KerasWeights.optimizerVariables(in: weights) {
      let modern = version.major >= 3 ? kept : OldOptimizerVariables.modern(kept, of: training.optimizer)
      let variables = modern ?? []
      var tensors: [Tensor] = []
      for (name, value) in variables { tensors.append(try value.tensor(named: name, in: operation)) }
      let state = KerasOptimizerState(model: model, optimizer: training.optimizer, registry: options.registry)
      do throws(RecurraError) {
        training.optimizerState = modern == nil ? nil : try state.state(tensors)
      } catch {
        throw RecurraError(
          .badFile, operation: "\(operation), \(error.operation)", expected: error.expected, got: error.got)
      }
      if training.optimizerState == nil, kept.count > 2 {
        description.warnings.append("what \(training.optimizer.name) remembers is not read: it begins anew")
      }
    }
    description.training = training
  }
}
