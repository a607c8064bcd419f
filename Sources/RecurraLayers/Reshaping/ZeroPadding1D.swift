public import RecurraTensor

/// Puts timesteps of 0 in front of each row and behind it.
///
/// With lengths the zeros stand behind a row's own end, and count: a row's answer is that of the row alone, cut to its
/// length. A mask of steps is not looked at and goes no further, as in Keras.
///
/// - Shapes: `input` [B, T, I]; result [B, front + T + back, I].
/// - Throws: `badData` for an input of another shape or type; building throws `badArgument` for a bad setting.
/// - Complexity: one copy.
/// - Source: Keras, `keras.layers.ZeroPadding1D`.
public final class ZeroPadding1D: Layer {
  /// Names the class as Keras does.
  public static var typeName: String { "ZeroPadding1D" }

  /// The numbers of timesteps in front and behind.
  public let padding: [Int]

  /// Makes a layer that pads both sides alike.
  public convenience init(padding: Int = 1) { self.init(padding: [padding, padding]) }

  /// Makes a layer that pads the front by the first number of timesteps, and the back by the second.
  public init(padding: [Int]) { self.padding = padding }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    self.init(padding: try configuration.sides("padding", default: 1))
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] { ["padding": .array(padding.map { .integer($0) })] }

  /// Refuses other than two numbers of 0 or more.
  public func checkSettings() throws(RecurraError) { try checkSides("padding", padding) }

  /// Adds the timesteps.
  public func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] {
    try checkSettings()
    try checkSequences(inputShape)
    return [inputShape[0], inputShape[1].map { MemoryLimit.sum($0, padding[0] + padding[1]) }, inputShape[2]]
  }

  /// Pads the rows.
  public func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    let shape = try outputShape(for: input.shape).map { $0 ?? 0 }
    try checkSequences(input)
    let x = try input.cutToLengths(Self.typeName)
    try requireMemory(shape, x.dtype)
    let zeros = padding.map { Tensor.zeros([shape[0], $0, shape[2]], dtype: x.dtype) }
    let mask = input.mask.withLengths(upTo: shape[1], mark: { [padding] in $0 + padding[0] }) { [padding] in
      $0 + padding[0] + padding[1]
    }
    return Signal(.concatenated([zeros[0], x, zeros[1]], axis: 1), mask: mask, states: input.states)
  }
}

extension LayerArguments {
  /// Reads a number for the front and one for the back; one number stands for both.
  func sides(_ name: String, default fallback: Int) throws(RecurraError) -> [Int] {
    let sides = try integers(name, default: [fallback], in: 0...Int(Int32.max))
    return sides.count == 1 ? [sides[0], sides[0]] : sides
  }
}

extension Layer {
  /// Refuses other than two numbers of timesteps.
  func checkSides(_ name: String, _ sides: [Int]) throws(RecurraError) {
    guard sides.count == 2 else { throw failure(.badArgument, expected: "two numbers as \(name)", got: "\(sides)") }
    for side in sides { try checkSetting(name, side, in: 0...Int(Int32.max)) }
  }
}
