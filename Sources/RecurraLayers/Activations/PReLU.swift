public import RecurraTensor

/// Computes x above 0, and α · x up to it, with an α for each feature that is learned.
///
/// - Shapes: `input` [B, …]; result the same; `alpha` as a row, with extent 1 along the shared axes.
/// - Throws: `badData` for an input of another shape or type; building throws `badArgument` for a bad setting.
/// - Complexity: a few passes over the input.
/// - Source: He et al. 2015; `keras.layers.PReLU`.
public final class PReLU: ShapePreservingLayer {
  /// Names the class as Keras does.
  public static var typeName: String { "PReLU" }

  /// The axes, the first behind the batch being 1, along which α is one number: [1] shares it over time.
  public let sharedAxes: [Int]
  private let initializer: Initializer
  /// What the weights cost and what they are held to.
  public let parameterRules: ParameterRules? = ParameterRules()
  private let state = BuildState<Parameter>()

  /// Makes a parametric rectifier; α starts at 0 unless said otherwise.
  public init(alphaInitializer: Initializer = .zeros, sharedAxes: [Int] = []) {
    self.sharedAxes = sharedAxes
    initializer = alphaInitializer
  }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    self.init(
      alphaInitializer: try configuration.initializer("alpha_initializer", default: .zeros),
      sharedAxes: try configuration.integers("shared_axes", default: [], in: 1...64))
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] {
    [
      "alpha_initializer": initializer.json,
      "shared_axes": sharedAxes.isEmpty ? .null : .array(sharedAxes.map { .integer($0) }),
    ]
  }

  /// `alpha`; empty before the layer is built.
  public var parameters: [Parameter] { state.value.map { [$0] } ?? [] }
  /// Tells whether the layer has been built.
  public var isBuilt: Bool { state.value != nil }

  /// Makes α for inputs of a shape; does nothing when that has been done.
  ///
  /// - Throws: `badArgument` for an axis that the input has not, `badData` for an extent that is neither known nor
  ///   shared, or another shape than before.
  public func build(inputShape: [Int?], random: RandomSource, dtype: DType) throws(RecurraError) {
    try checkExtents(inputShape)
    if let axis = sharedAxes.first(where: { !(1..<max(inputShape.count, 1)).contains($0) }) {
      throw failure(.badArgument, expected: "sharedAxes of input \(text(of: inputShape))", got: "\(axis)")
    }
    let extents = inputShape.enumerated().dropFirst().map { sharedAxes.contains($0) ? 1 : $1 }
    let shape = extents.compactMap { $0 }
    guard !shape.isEmpty, shape.count == extents.count else {
      throw failure(expected: "known extents along axes that are not shared", got: text(of: inputShape))
    }
    let alpha = try state.build { () throws(RecurraError) in
      try parameter("alpha", shape, dtype, initializer, random)
    }
    guard alpha.shape == shape else {
      throw failure(expected: "rows for an alpha \(alpha.shape)", got: text(of: inputShape))
    }
  }

  /// Applies the function.
  public func apply(_ x: Tensor, _ context: ForwardContext) throws(RecurraError) -> Tensor {
    guard let alpha = state.value else { throw failure(expected: "a built layer", got: "one that is not") }
    let extents = zip(x.shape.dropFirst(), alpha.shape)
    guard x.rank == alpha.shape.count + 1, extents.allSatisfy({ $1 == 1 || $0 == $1 }), x.dtype == alpha.dtype else {
      throw failure(expected: "\(alpha.dtype) rows for an alpha \(alpha.shape)", got: "\(x.dtype) \(x.shape)")
    }
    return .select(x.isGreater(than: Tensor(0, dtype: x.dtype)), x, x * context.tensor(alpha))
  }
}
