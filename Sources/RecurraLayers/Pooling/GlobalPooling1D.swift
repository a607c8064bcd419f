public import RecurraTensor

// GlobalMaxPooling1D and GlobalAveragePooling1D share this file: they differ in one line.

/// A layer that makes one number of each feature's whole row.
public protocol GlobalPooling1D: Layer {
  /// Tells whether the axis of time stays, with extent 1.
  var keepdims: Bool { get }
  /// Makes a pooling layer.
  init(keepdims: Bool)
  /// Tells whether a mask of steps says what is pooled, or lengths alone.
  static var looksAtSteps: Bool { get }
  /// Pools rows of sequences, whose timesteps count where `counts` [B, T, 1] is not 0; all where it is nil.
  ///
  /// - Shapes: `x` [B, T, I]; result [B, 1, I].
  func pool(_ x: Tensor, where counts: Tensor?) -> Tensor
}

extension GlobalPooling1D {
  /// False.
  public static var looksAtSteps: Bool { false }

  /// Makes the layer from its arguments in a file.
  public init(configuration: LayerArguments) throws(RecurraError) {
    self.init(keepdims: try configuration.bool("keepdims", default: false))
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] { ["keepdims": .bool(keepdims)] }

  /// Takes the timesteps away.
  public func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] {
    try checkSequences(inputShape)
    return keepdims ? [inputShape[0], 1, inputShape[2]] : [inputShape[0], inputShape[2]]
  }

  /// Pools the rows; the result has no mask.
  public func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    try checkSequences(input)
    let x = input.value
    guard x.shape[1] > 0 else { throw failure(expected: "at least one timestep", got: "\(x.shape)") }
    let read = Self.looksAtSteps ? input : Signal(x, mask: input.mask.withoutSteps)
    let pooled = pool(x, where: try read.counts(Self.typeName))
    return Signal(keepdims ? pooled : pooled.squeezed(1), states: input.states)
  }
}

/// Takes the largest number of each feature over time.
///
/// With lengths a row's answer is that of the row alone, cut to its length, and 0 for a row of none. A mask of steps is
/// not looked at, as in Keras. Equal maxima share the gradient.
///
/// - Shapes: `input` [B, T, I]; result [B, I], with `keepdims` [B, 1, I].
/// - Throws: `badData` for an input of another shape or type.
/// - Complexity: one pass over the input.
/// - Source: Keras, `keras.layers.GlobalMaxPooling1D`.
public final class GlobalMaxPooling1D: GlobalPooling1D {
  /// Names the class as Keras does.
  public static var typeName: String { "GlobalMaxPooling1D" }
  /// Tells whether the axis of time stays, with extent 1.
  public let keepdims: Bool
  /// Makes a pooling layer.
  public init(keepdims: Bool = false) { self.keepdims = keepdims }

  /// Takes the largest.
  public func pool(_ x: Tensor, where counts: Tensor?) -> Tensor {
    guard let counts else { return x.max(axes: [1], keepingDimensions: true) }
    let largest = Tensor.select(counts, x, Tensor(-.infinity, dtype: x.dtype)).max(axes: [1], keepingDimensions: true)
    return .select(counts.max(axes: [1], keepingDimensions: true), largest, Tensor(0, dtype: x.dtype))
  }
}

/// Takes the mean of each feature over time, over timesteps that count alone; where none does it is 0, and NaN in
/// Keras.
///
/// - Shapes: `input` [B, T, I]; result [B, I], with `keepdims` [B, 1, I].
/// - Throws: `badData` for an input of another shape or type.
/// - Complexity: one pass over the input.
/// - Source: Keras, `keras.layers.GlobalAveragePooling1D`.
public final class GlobalAveragePooling1D: GlobalPooling1D {
  /// Names the class as Keras does.
  public static var typeName: String { "GlobalAveragePooling1D" }
  /// True: the mean is over what a mask of steps leaves, as in Keras.
  public static var looksAtSteps: Bool { true }
  /// Tells whether the axis of time stays, with extent 1.
  public let keepdims: Bool
  /// Makes a pooling layer.
  public init(keepdims: Bool = false) { self.keepdims = keepdims }

  /// Takes the mean.
  public func pool(_ x: Tensor, where counts: Tensor?) -> Tensor {
    guard let counts else { return x.mean(axes: [1], keepingDimensions: true) }
    let sum = Tensor.select(counts, x, Tensor(0, dtype: x.dtype)).sum(axes: [1], keepingDimensions: true)
    let number = counts.converted(to: x.dtype).sum(axes: [1], keepingDimensions: true)
    return sum / .maximum(number, Tensor(1, dtype: x.dtype))
  }
}
