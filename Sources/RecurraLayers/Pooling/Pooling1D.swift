public import RecurraTensor

// MaxPooling1D and AveragePooling1D share this file: they differ in one line.

/// A layer that makes one timestep of several neighbours, feature by feature.
public protocol Pooling1D: Layer {
  /// The number of neighbours.
  var poolSize: Int { get }
  /// The distance from one window to the next.
  var strides: Int { get }
  /// How the ends of a row are treated; `causal` is refused.
  var padding: TimePadding { get }
  /// Makes a pooling layer; strides are the pool size when left out.
  init(poolSize: Int, strides: Int?, padding: TimePadding)
}

extension Pooling1D {
  /// Makes the layer from its arguments in a file.
  public init(configuration: LayerArguments) throws(RecurraError) {
    let size = try configuration.extent("pool_size", default: 2)
    self.init(
      poolSize: size, strides: try configuration.extent("strides", default: size), padding: try configuration.padding())
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] {
    [
      "pool_size": .array([.integer(poolSize)]), "strides": .array([.integer(strides)]),
      "padding": .string(padding.rawValue),
    ]
  }

  /// Refuses sizes below 1, and causal padding.
  public func checkSettings() throws(RecurraError) {
    try windows.check(self, sizeName: "poolSize")
    guard padding != .causal else { throw failure(.badArgument, expected: "padding valid or same", got: "causal") }
  }

  /// Works out the timesteps.
  public func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] {
    try checkSettings()
    let timesteps = try windows.timesteps(inputShape, self)
    return [inputShape[0], timesteps, inputShape[2]]
  }

  private var windows: TimeWindows { TimeWindows(size: poolSize, stride: strides, padding: padding) }

  /// Lays the input out window by window, and pools.
  fileprivate func pooled(
    _ input: Signal, filler: Double, _ pool: (TimeWindows.Unfolded) -> Tensor
  ) throws(RecurraError) -> Signal {
    try checkSettings()
    let unfolded = try windows.unfolded(input, filler: filler, self)
    return Signal(pool(unfolded), mask: unfolded.mask, states: input.states)
  }
}

/// Takes the largest of some neighbours, feature by feature.
///
/// With lengths a row's answer is that of the row alone, cut to its length. A mask of steps is not looked at and goes
/// no further, as in Keras. Equal maxima share the gradient.
///
/// - Shapes: `input` [B, T, I]; result [B, T′, I].
/// - Throws: `badData` for an input of another shape or type; building throws `badArgument` for a bad setting.
/// - Complexity: B·T′·poolSize·I comparisons.
/// - Source: Keras, `keras.layers.MaxPooling1D`.
public final class MaxPooling1D: Pooling1D {
  /// Names the class as Keras does.
  public static var typeName: String { "MaxPooling1D" }
  /// The number of neighbours.
  public let poolSize: Int
  /// The distance from one window to the next.
  public let strides: Int
  /// How the ends of a row are treated.
  public let padding: TimePadding

  /// Makes a pooling layer; strides are the pool size when left out.
  public init(poolSize: Int = 2, strides: Int? = nil, padding: TimePadding = .valid) {
    (self.poolSize, self.strides, self.padding) = (poolSize, strides ?? poolSize, padding)
  }

  /// Takes the largest.
  public func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    try pooled(input, filler: -.infinity) { unfolded in
      let largest = unfolded.values.max(axes: [2])
      guard let counts = unfolded.counts else { return largest }
      let zero = Tensor(0, dtype: largest.dtype)
      return .select(counts.isGreater(than: zero), largest, zero)
    }
  }
}

/// Takes the mean of some neighbours, feature by feature; of those that a row has, at its ends and with lengths.
///
/// With lengths a row's answer is that of the row alone, cut to its length. A mask of steps is not looked at and goes
/// no further, as in Keras.
///
/// - Shapes: `input` [B, T, I]; result [B, T′, I].
/// - Throws: `badData` for an input of another shape or type; building throws `badArgument` for a bad setting.
/// - Complexity: B·T′·poolSize·I additions.
/// - Source: Keras, `keras.layers.AveragePooling1D`.
public final class AveragePooling1D: Pooling1D {
  /// Names the class as Keras does.
  public static var typeName: String { "AveragePooling1D" }
  /// The number of neighbours.
  public let poolSize: Int
  /// The distance from one window to the next.
  public let strides: Int
  /// How the ends of a row are treated.
  public let padding: TimePadding

  /// Makes a pooling layer; strides are the pool size when left out.
  public init(poolSize: Int = 2, strides: Int? = nil, padding: TimePadding = .valid) {
    (self.poolSize, self.strides, self.padding) = (poolSize, strides ?? poolSize, padding)
  }

  /// Takes the mean.
  public func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    try pooled(input, filler: 0) { unfolded in
      let sum = unfolded.values.sum(axes: [2])
      guard let counts = unfolded.counts else { return sum / Double(poolSize) }
      return sum / .maximum(counts, Tensor(1, dtype: sum.dtype))
    }
  }
}
