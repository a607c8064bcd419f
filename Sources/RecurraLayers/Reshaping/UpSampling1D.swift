public import RecurraTensor

/// Repeats each timestep `size` times.
///
/// With lengths a row's answer is that of the row alone, cut to its length. A mask of steps goes no further, as in
/// Keras.
///
/// - Shapes: `input` [B, T, I]; result [B, T·size, I].
/// - Throws: `badData` for an input of another shape or type; building throws `badArgument` for a bad setting.
/// - Complexity: one copy.
/// - Source: Keras, `keras.layers.UpSampling1D`.
public final class UpSampling1D: Layer {
  /// Names the class as Keras does.
  public static var typeName: String { "UpSampling1D" }

  /// How often each timestep comes.
  public let size: Int

  /// Makes a repeating layer.
  public init(size: Int = 2) { self.size = size }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    self.init(size: try configuration.integer("size", default: 2, in: LayerArguments.sizes))
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] { ["size": .integer(size)] }

  /// Refuses a `size` outside 1...2³¹ − 1.
  public func checkSettings() throws(RecurraError) { try checkSetting("size", size, in: LayerArguments.sizes) }

  /// Multiplies the timesteps.
  public func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] {
    try checkSettings()
    try checkSequences(inputShape)
    return [inputShape[0], inputShape[1].map { MemoryLimit.bytes($0, size) }, inputShape[2]]
  }

  /// Repeats the timesteps.
  public func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    let shape = try outputShape(for: input.shape).map { $0 ?? 0 }
    try checkSequences(input)
    let x = input.value
    try requireMemory(shape, x.dtype)
    let repeated = x.expanded(at: 2).stretched(to: [shape[0], input.shape[1], size, shape[2]]).reshaped(shape)
    let mask = input.mask.withLengths(upTo: shape[1]) { [size] in $0 * size }
    return Signal(repeated, mask: mask, states: input.states)
  }
}
