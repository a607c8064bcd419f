public import RecurraTensor

/// Masks timesteps whose features all equal one number, and puts 0 in their place.
///
/// Later layers are told by the mask, which takes the place of a mask of steps that is given, as in Keras; with lengths
/// a timestep counts where both say so.
///
/// - Shapes: `input` [B, T, I]; result the same.
/// - Throws: `badData` for an input of another shape or type.
/// - Complexity: a few passes over the input.
/// - Source: Keras, `keras.layers.Masking`.
public final class Masking: Layer {
  /// Names the class as Keras does.
  public static var typeName: String { "Masking" }

  /// The number that stands for padding.
  public let maskValue: Double

  /// Makes a masking layer.
  public init(maskValue: Double = 0) { self.maskValue = maskValue }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    self.init(maskValue: try configuration.number("mask_value", default: 0))
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] { ["mask_value": .number(maskValue)] }

  /// Refuses a `maskValue` that is NaN or infinite: no feature would equal it, and JSON has no word for it.
  public func checkSettings() throws(RecurraError) {
    let largest = Double.greatestFiniteMagnitude
    try checkSetting("maskValue", maskValue, in: -largest...largest)
  }

  /// Returns the shape it is given.
  public func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] {
    try checkSequences(inputShape)
    return inputShape
  }

  /// Masks the timesteps.
  public func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    try checkSettings()
    try checkSequences(input)
    let x = input.value
    let differs = x.isNotEqual(to: Tensor(maskValue, dtype: x.dtype)).sum(axes: [2])
    let mask = SequenceMask(
      differs.scalars(as: Int32.self).map { $0 != 0 }, rows: x.shape[0], timesteps: x.shape[1])
    return Signal(
      .select(differs.expanded(at: 2), x, Tensor(0, dtype: x.dtype)),
      mask: try mask.intersection(input.mask.withoutSteps),
      states: input.states)
  }
}
