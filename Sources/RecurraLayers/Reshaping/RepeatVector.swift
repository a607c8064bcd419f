public import RecurraTensor

/// Repeats each row's features as `n` timesteps: what a decoder begins with.
///
/// - Shapes: `input` [B, I]; result [B, n, I].
/// - Throws: `badData` for an input of another shape; building throws `badArgument` for a bad setting.
/// - Complexity: none: the result shares the input's memory.
/// - Source: Keras, `keras.layers.RepeatVector`.
public final class RepeatVector: Layer {
  /// Names the class as Keras does.
  public static var typeName: String { "RepeatVector" }

  /// The number of timesteps.
  public let n: Int

  /// Makes a repeating layer.
  public init(_ n: Int) { self.n = n }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    self.init(try configuration.positive("n"))
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] { ["n": .integer(n)] }

  /// Refuses `n` outside 1...2³¹ − 1.
  public func checkSettings() throws(RecurraError) { try checkSetting("n", n, in: LayerArguments.sizes) }

  /// Puts `n` behind the batch.
  public func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] {
    try checkSettings()
    guard inputShape.count == 2 else { throw failure(expected: "input [B, I]", got: text(of: inputShape)) }
    return [inputShape[0], n, inputShape[1]]
  }

  /// Repeats the features.
  public func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    let shape = try outputShape(for: input.shape).map { $0 ?? 0 }
    let x = input.value
    // Whoever reads the result lays it down as it stands.
    try requireMemory(shape, x.dtype)
    return Signal(x.expanded(at: 1).stretched(to: shape), states: input.states)
  }
}
