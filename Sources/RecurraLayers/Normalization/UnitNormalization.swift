public import RecurraTensor

/// Divides each vector along some axes by its length: x / √(Σ x²). A vector of zeros stays one.
///
/// - Shapes: `input` [B, …]; result the same.
/// - Throws: `badData` for an integer input, and for an axis that it has not.
/// - Complexity: a few passes over the input.
/// - Source: Keras, `keras.layers.UnitNormalization`.
public final class UnitNormalization: ShapePreservingLayer {
  /// Names the class as Keras does.
  public static var typeName: String { "UnitNormalization" }

  /// The axes along which a vector lies; below 0 counted from the end.
  public let axes: [Int]

  /// Makes a normalisation of vectors along an axis, the last one when it is left out.
  public convenience init(axis: Int = -1) { self.init(axes: [axis]) }

  /// Makes a normalisation of vectors along several axes.
  public init(axes: [Int]) { self.axes = axes }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    self.init(axes: try configuration.integers("axis", default: [-1], in: -64...64))
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] {
    ["axis": axes.count == 1 ? .integer(axes[0]) : .array(axes.map { .integer($0) })]
  }

  /// Returns the shape it is given.
  public func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] {
    _ = try places(inputShape)
    return inputShape
  }

  /// Normalises; along time a row's length is that of the row alone, cut to its timesteps.
  public func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    let places = try places(input.shape)
    let x = places.contains(1) && input.shape.count > 2 ? try input.cutToLengths(Self.typeName) : input.value
    return input.with(value: try applied(to: x, context))
  }

  /// Normalises the vectors.
  public func apply(_ x: Tensor, _ context: ForwardContext) throws(RecurraError) -> Tensor {
    x.unit(along: try places(x.shape))
  }

  private func places(_ shape: [Int?]) throws(RecurraError) -> [Int] {
    let places = Set(axes.map { $0 < 0 ? shape.count + $0 : $0 })
    guard !places.isEmpty, places.allSatisfy(shape.indices.contains) else {
      throw failure(expected: "axes of \(shape.count)", got: "\(axes)")
    }
    return places.sorted()
  }
}

extension Tensor {
  /// The vectors along some axes divided by their lengths, of which Keras' least is 1e-12.
  func unit(along axes: [Int]) -> Tensor {
    let squares = squared.sum(axes: axes, keepingDimensions: true)
    return self / Tensor.maximum(squares, Tensor(1e-24, dtype: dtype)).sqrt()
  }
}
