public import RecurraTensor

/// A step of a model: shapes, parameters and a forward pass.
///
/// A layer learns its input's shape when it is built, once; then its parameters exist. Gradients need no code: every
/// tensor operation has its own. A layer may be used by several threads at the same time.
///
/// A layer of one's own needs `typeName`, `init(configuration:)`, `configuration`, `outputShape(for:)` and
/// `forward(_:_:)`; with parameters also `parameters`, `isBuilt` and `build(inputShape:random:dtype:)`. A file names it
/// by `typeName`, and comes back through a `Registry` that knows it.
public protocol Layer: AnyObject, Sendable {
  /// The name of the class, by which files and registries call it; for the layers of this package Keras' name, "LSTM".
  static var typeName: String { get }
  /// The trainable and other parameters, in Keras' order; empty before the layer is built.
  var parameters: [Parameter] { get }
  /// The layers this one is made of, by their roles; empty for a layer with parameters of its own.
  var sublayers: [(role: String, layer: any Layer)] { get }
  /// Tells whether the layer has been built; a layer without parameters always is.
  var isBuilt: Bool { get }
  /// The arguments the layer was made with, in Keras' names: all that `init(configuration:)` needs to make it again.
  var configuration: [String: JSONValue] { get }
  /// What the first values of the parameters follow from when the layer builds itself.
  var seed: UInt64 { get }
  /// The number of ids the layer looks up, 0 ..< that, where its inputs are ids; nil where they are features.
  var idCount: Int? { get }
  /// What the layer looks up itself, as an embedding does; nil for every other layer.
  var idLookup: IDLookup? { get }
  /// The recurrent layers that run over the timesteps of the layer's input; nil where none does.
  var recurrentParts: RecurrentParts? { get }
  /// The layer as a model of layers with names; nil for every other layer.
  var network: (any Network)? { get }
  /// The function that the layer's output goes through last, where `forwardBeforeActivation(_:_:)` leaves it out; nil
  /// where there is none.
  var finalActivation: Activation? { get }
  /// The layer of the same model whose parameters this one uses besides its own; nil for every other layer.
  var tie: LayerTie? { get }
  /// The values of the parameters, cut up and ordered as Keras' `get_weights()`; empty before the layer is built.
  var weights: [Tensor] { get }
  /// What the weights cost in the loss and what they are held to; nil where the layer keeps no such rules.
  var parameterRules: ParameterRules? { get }

  /// Makes a layer from its arguments; a missing one has Keras' default, an unknown or wrong one is an error.
  init(configuration: LayerArguments) throws(RecurraError)
  /// Checks what the layer was made with. A layer keeps bad settings, because they may come from outside; building it
  /// refuses them.
  ///
  /// - Throws: `badArgument` naming the setting.
  func checkSettings() throws(RecurraError)
  /// Makes the parameters for inputs of a shape, once; `nil` is an extent that is not known yet, such as batch and
  /// time.
  ///
  /// - Throws: `badArgument` for a bad setting, `badData` for a shape that the layer does not take.
  func build(inputShape: [Int?], random: RandomSource, dtype: DType) throws(RecurraError)
  /// Works out the shape of the output for an input shape, both with the batch axis first; nil is an extent that is not
  /// known yet.
  ///
  /// - Throws: `badData` for a shape that the layer does not take.
  func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?]
  /// Computes the output of a batch.
  ///
  /// - Throws: `badData` for an input that does not fit what the layer was built for.
  func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal
  /// Computes the output up to `finalActivation`: a loss on top of a softmax or sigmoid is exact from there.
  ///
  /// - Throws: What `forward(_:_:)` throws.
  func forwardBeforeActivation(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal
  /// Computes the output of a batch that has no other properties than its numbers: the simplest way to write a layer.
  ///
  /// - Throws: `badData` for an input that does not fit what the layer was built for.
  func forward(_ input: Tensor, _ context: ForwardContext) throws(RecurraError) -> Tensor
  /// The number of values that the layer gives out.
  var outputCount: Int { get }
  /// Makes the parameters for inputs of some shapes, once; what graphs build layers by.
  ///
  /// - Throws: `badArgument` for a bad setting, `badData` for shapes that the layer does not take.
  func build(inputShapes: [[Int?]], random: RandomSource, dtype: DType) throws(RecurraError)
  /// Works out the shapes of all outputs for those of all inputs.
  ///
  /// - Throws: `badData` for shapes that the layer does not take.
  func outputShapes(for inputShapes: [[Int?]]) throws(RecurraError) -> [[Int?]]
  /// Computes all outputs of a batch from all inputs; what graphs run layers by.
  ///
  /// - Throws: `badData` for inputs that do not fit what the layer was built for.
  func forward(_ inputs: [Value], _ context: ForwardContext) throws(RecurraError) -> [Value]
  /// Takes as many tensors from the front as `weights` has, and says which parameter gets which value.
  ///
  /// - Throws: `badData` for a missing tensor or one of another shape; nothing has changed then.
  func assignments(
    from weights: inout ArraySlice<Tensor>
  ) throws(RecurraError) -> [(parameter: Parameter, value: Tensor)]
}

extension Layer {
  /// None.
  public var sublayers: [(role: String, layer: any Layer)] { [] }
  /// The parameters of all sublayers.
  public var parameters: [Parameter] { sublayers.flatMap(\.layer.parameters) }
  /// 0.
  public var seed: UInt64 { 0 }
  /// nil: whole numbers among features become floats before the layer sees them.
  public var idCount: Int? { nil }
  /// nil: the layer looks up no ids.
  public var idLookup: IDLookup? { nil }
  /// nil: no layer in this one runs over its timesteps.
  public var recurrentParts: RecurrentParts? { nil }
  /// nil: the layer is no model.
  public var network: (any Network)? { nil }
  /// nil: the layer uses its own parameters alone.
  public var tie: LayerTie? { nil }
  /// nil: nothing can be asked for.
  public var parameterRules: ParameterRules? { nil }
  /// nil: the output is what it is.
  public var finalActivation: Activation? { nil }
  /// Tells whether all sublayers have been built.
  public var isBuilt: Bool { sublayers.allSatisfy(\.layer.isBuilt) }
  /// The values of the parameters, or the weights of all sublayers.
  public var weights: [Tensor] { sublayers.isEmpty ? parameters.map(\.value) : sublayers.flatMap(\.layer.weights) }

  /// Does nothing: every setting is good.
  public func checkSettings() throws(RecurraError) {}

  /// Checks settings and shape, and makes nothing: the layer has no parameters.
  public func build(inputShape: [Int?], random: RandomSource, dtype: DType) throws(RecurraError) {
    try checkSettings()
    try checkExtents(inputShape)
  }

  /// Computes the output; without a `finalActivation` nothing is left out.
  public func forwardBeforeActivation(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    try forward(input, context)
  }

  /// Takes one tensor for each parameter, or what each sublayer takes.
  public func assignments(
    from weights: inout ArraySlice<Tensor>
  ) throws(RecurraError) -> [(parameter: Parameter, value: Tensor)] {
    var result: [(parameter: Parameter, value: Tensor)] = []
    for (_, layer) in sublayers { result += try layer.assignments(from: &weights) }
    guard sublayers.isEmpty else { return result }
    for parameter in parameters {
      result.append((parameter, try takeWeight(parameter.name, parameter.shape, parameter.dtype, from: &weights)))
    }
    return result
  }

  /// Sets the parameters from tensors ordered as Keras' `set_weights()` takes them; on an error nothing has changed.
  public func setWeights(_ weights: [Tensor]) throws(RecurraError) {
    guard isBuilt else { throw failure(expected: "a built layer", got: "one that has not been built") }
    var remaining = weights[...]
    let assignments = try assignments(from: &remaining)
    guard remaining.isEmpty else {
      throw failure(expected: "\(weights.count - remaining.count) weights", got: "\(weights.count)")
    }
    for (parameter, value) in assignments { parameter.value = value }
  }

  /// The parameters with the path to each: roles of sublayers, then the parameter's name.
  public var namedParameters: [(path: String, parameter: Parameter)] {
    guard !sublayers.isEmpty else { return parameters.map { ($0.name, $0) } }
    return sublayers.flatMap { role, layer in layer.namedParameters.map { ("\(role)/\($0.path)", $0.parameter) } }
  }

  /// The number of numbers in all parameters.
  public var parameterCount: Int { parameters.reduce(0) { $0 + $1.count } }

  /// Tells whether any parameter is trained; setting it freezes or frees all of them. The layer must be built for that.
  public var isTrainable: Bool {
    get { parameters.contains { !$0.isFrozen } }
    set { for parameter in parameters { parameter.isTrainable = newValue } }
  }

  /// Takes the next of Keras' weights, checks its shape and converts it to the parameter's type.
  package func takeWeight(
    _ name: String, _ shape: [Int], _ dtype: DType, from weights: inout ArraySlice<Tensor>
  ) throws(RecurraError) -> Tensor {
    guard let weight = weights.popFirst() else {
      throw failure(expected: "a weight \(name) of shape \(shape)", got: "no more weights")
    }
    guard weight.shape == shape else {
      throw failure(expected: "a weight \(name) of shape \(shape)", got: "shape \(weight.shape)")
    }
    return weight.detached.converted(to: dtype)
  }

  /// Makes an error of this layer: its `typeName` is the operation.
  public func failure(_ kind: RecurraError.Kind = .badData, expected: String, got: String) -> RecurraError {
    RecurraError(kind, operation: Self.typeName, expected: expected, got: got)
  }
}

/// The shape of a batch with the number of rows left open.
package func anyBatch(of batch: Tensor) -> [Int?] { [nil] + batch.shape.dropFirst().map { Optional($0) } }

/// Writes a shape for a message; an extent that is not known is a question mark.
package func text(of shape: [Int?]) -> String {
  "[" + shape.map { $0.map(String.init) ?? "?" }.joined(separator: ", ") + "]"
}
