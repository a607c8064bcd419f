public import RecurraTensor

/// Applies a layer to every timestep by itself, padded ones too; lengths of rows stay.
///
/// - Shapes: `input` [B, T, …]; the layer sees [B·T, …]; result [B, T, …].
/// - Throws: `badData` for an input of fewer than three axes; whatever the layer throws.
/// - Complexity: that of the layer, for B·T rows.
/// - Source: Keras, `keras.layers.TimeDistributed`.
public final class TimeDistributed: Layer {
  /// Names the class as Keras does.
  public static var typeName: String { "TimeDistributed" }

  /// The layer that is applied.
  public let layer: any Layer

  /// Makes a layer that applies `layer` to every timestep.
  public init(_ layer: any Layer) { self.layer = layer }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    self.init(try configuration.layer("layer"))
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] { ["layer": layer.json] }
  /// The layers this one is made of, by their roles.
  public var sublayers: [(role: String, layer: any Layer)] { [("layer", layer)] }

  /// That of the layer.
  public var idCount: Int? { layer.idCount }

  /// Builds the layer for the shape of one timestep.
  public func build(inputShape: [Int?], random: RandomSource, dtype: DType) throws(RecurraError) {
    try checkExtents(inputShape)
    try layer.build(inputShape: try oneTimestep(inputShape), random: random, dtype: dtype)
  }

  /// Works out the shape of the output.
  public func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] {
    let output = try layer.outputShape(for: try oneTimestep(inputShape))
    return [inputShape[0], inputShape[1]] + output.dropFirst()
  }

  /// Applies the layer to every timestep.
  public func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    let shape = input.value.shape
    _ = try oneTimestep(shape)
    let steps = input.value.reshaped([shape[0] * shape[1]] + shape.dropFirst(2))
    var context = context
    context.firstRow = context.firstRow.map { $0 * shape[1] }
    let output = try layer.forward(Signal(steps), context).value
    return input.with(value: output.reshaped([shape[0], shape[1]] + output.shape.dropFirst()))
  }

  private func oneTimestep(_ shape: [Int?]) throws(RecurraError) -> [Int?] {
    guard shape.count >= 3 else { throw failure(expected: "input [B, T, …]", got: text(of: shape)) }
    return [nil] + shape.dropFirst(2)
  }
}
