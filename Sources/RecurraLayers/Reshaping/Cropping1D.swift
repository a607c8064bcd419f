public import RecurraTensor

/// Cuts timesteps off the front of each row and off its back.
///
/// With lengths the back is a row's own end: a row's answer is that of the row alone, cut to its length. A
/// mask of steps goes no further, as in Keras.
///
/// - Shapes: `input` [B, T, I]; result [B, T − front − back, I].
/// - Throws: `badData` for an input of another shape or type, or of no more timesteps than are cut off; building throws
///   `badArgument` for a bad setting.
/// - Complexity: none: the result shares the input's memory.
/// - Source: Keras, `keras.layers.Cropping1D`.
public final class Cropping1D: Layer {
  /// Names the class as Keras does.
  public static var typeName: String { "Cropping1D" }

  /// The numbers of timesteps that are cut off in front and behind.
  public let cropping: [Int]

  /// Makes a layer that cuts both sides alike.
  public convenience init(cropping: Int = 1) { self.init(cropping: [cropping, cropping]) }

  /// Makes a layer that cuts the first number of timesteps off the front, and the second off the back.
  public init(cropping: [Int]) { self.cropping = cropping }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    self.init(cropping: try configuration.sides("cropping", default: 1))
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] { ["cropping": .array(cropping.map { .integer($0) })] }

  /// Refuses other than two numbers of 0 or more.
  public func checkSettings() throws(RecurraError) { try checkSides("cropping", cropping) }

  /// Takes the timesteps away.
  public func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] {
    try checkSettings()
    try checkSequences(inputShape)
    let cut = cropping[0] + cropping[1]
    guard inputShape[1].map({ $0 > cut }) ?? true else {
      throw failure(expected: "more than \(cut) timesteps", got: text(of: inputShape))
    }
    return [inputShape[0], inputShape[1].map { $0 - cut }, inputShape[2]]
  }

  /// Cuts the rows.
  public func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    let shape = try outputShape(for: input.shape).map { $0 ?? 0 }
    try checkSequences(input)
    let mask = input.mask.withLengths(upTo: shape[1], mark: { [cropping] in $0 - cropping[0] }) { [cropping] in
      $0 - cropping[0] - cropping[1]
    }
    return Signal(
      input.value.sliced(cropping[0]..<cropping[0] + shape[1], axis: 1), mask: mask, states: input.states)
  }
}
