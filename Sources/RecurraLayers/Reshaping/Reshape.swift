public import RecurraTensor

/// Gives the numbers of each row another shape.
///
/// With lengths and a first extent of −1 a row's answer is that of the row alone, cut to its length; with another one
/// what lies behind a row's end is read as 0. A mask of steps is not looked at and goes no further, as in Keras.
///
/// - Shapes: `input` [B, …]; result [B] + `targetShape`.
/// - Throws: `badData` for rows of another number of numbers; building throws `badArgument` for a bad setting.
/// - Complexity: none for a dense input, else one copy.
/// - Source: Keras, `keras.layers.Reshape`.
public final class Reshape: Layer {
  /// Names the class as Keras does.
  public static var typeName: String { "Reshape" }

  /// The extents behind the batch; one of them may be −1, and is worked out.
  public let targetShape: [Int]

  /// Makes a reshaping layer.
  public init(targetShape: [Int]) { self.targetShape = targetShape }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    self.init(targetShape: try configuration.integers("target_shape"))
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] { ["target_shape": .array(targetShape.map { .integer($0) })] }

  /// Refuses extents below 1 but for one −1.
  public func checkSettings() throws(RecurraError) {
    guard targetShape.filter({ $0 == -1 }).count <= 1, !targetShape.contains(where: { $0 < 1 && $0 != -1 }) else {
      throw failure(.badArgument, expected: "targetShape of extents of 1 or more, and one -1", got: "\(targetShape)")
    }
  }

  /// Puts `targetShape` behind the batch; −1 is unknown as long as an extent of the input is.
  public func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] {
    try checkSettings()
    try checkExtents(inputShape)
    guard let batch = inputShape.first else { throw failure(expected: "input [B, …]", got: text(of: inputShape)) }
    let (known, wanted) = (inputShape.dropFirst().compactMap { $0 }, targetShape.filter { $0 != -1 })
    let (count, size) = (MemoryLimit.bytes(known), MemoryLimit.bytes(wanted))
    guard known.count == inputShape.count - 1 else { return [batch] + targetShape.map { $0 == -1 ? nil : $0 } }
    guard wanted.count < targetShape.count ? count % size == 0 : count == size else {
      throw failure(expected: "rows of numbers for \(targetShape)", got: text(of: inputShape))
    }
    return [batch] + targetShape.map { $0 == -1 ? count / size : $0 }
  }

  /// Gives the rows their new shape.
  public func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    let shape = try outputShape(for: input.shape).map { $0 ?? 0 }
    let value = try input.cutToLengths(Self.typeName).reshaped(shape)
    return Signal(value, mask: try lengths(input, of: shape), states: input.states)
  }

  /// The mask of rows whose timesteps are as many as their numbers make; none where there are as many in any row.
  private func lengths(_ input: Signal, of shape: [Int]) throws(RecurraError) -> SequenceMask {
    guard targetShape.first == -1, shape.count > 1, input.shape.count > 1 else { return .all }
    let (width, size) = (Shape.count(Array(input.shape.dropFirst(2))), Shape.count(Array(shape.dropFirst(2))))
    if let stray = input.mask.withoutSteps.lengths?.first(where: { $0 * width % max(size, 1) != 0 }) {
      throw failure(expected: "rows of numbers for \(targetShape)", got: "a length of \(stray) timesteps of \(width)")
    }
    return input.mask.withLengths(upTo: shape[1]) { $0 * width / max(size, 1) }
  }
}
