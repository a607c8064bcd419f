public import RecurraTensor

/// Brings each feature to mean 0 and variance 1 by numbers that `adapt(_:)` takes from data, or that are given:
/// (x − mean) / √variance, or back with `invert`.
///
/// The numbers are part of the model: they are saved with it, and never trained.
///
/// - Shapes: `input` [B, …, I] with I along `axis`; result the same; `mean` and `variance` [I], or one number for
///   all.
/// - Throws: `badData` for an input with another extent along the axis or of another type; building throws
///   `badArgument` for a bad setting.
/// - Complexity: two passes over the input.
/// - Source: Keras, `keras.layers.Normalization`.
public final class Normalization: ShapePreservingLayer {
  /// Names the class as Keras does.
  public static var typeName: String { "Normalization" }

  /// The axis of the features, below 0 counted from the end; nil for one mean and variance of all numbers.
  public let axis: Int?
  /// The mean of each feature, or one for all, where it is given; nil where it comes from data.
  public let mean: [Double]?
  /// The variance likewise.
  public let variance: [Double]?
  /// Tells whether the layer goes back: x · √variance + mean.
  public let invert: Bool
  private let state = BuildState<(mean: Parameter, variance: Parameter, count: Parameter)>()

  /// Makes a normalisation.
  public init(axis: Int? = -1, mean: [Double]? = nil, variance: [Double]? = nil, invert: Bool = false) {
    (self.axis, self.mean, self.variance, self.invert) = (axis, mean, variance, invert)
  }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    let axes = try configuration.integers("axis", default: [-1], in: -64...64)
    guard axes.count <= 1 else {
      throw configuration.failure("axis", expected: "one axis, or none", got: configuration.values["axis"] ?? .null)
    }
    self.init(
      axis: axes.first, mean: try configuration.numbers("mean"), variance: try configuration.numbers("variance"),
      invert: try configuration.bool("invert", default: false))
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] {
    func list(_ numbers: [Double]?) -> JSONValue { numbers.map { .array($0.map { .number($0) }) } ?? .null }
    return [
      "axis": .array(axis.map { [.integer($0)] } ?? []), "mean": list(mean), "variance": list(variance),
      "invert": .bool(invert),
    ]
  }

  /// `mean`, `variance` and `count`, which Keras keeps for older files; empty where the numbers are given, and before
  /// the layer is built.
  public var parameters: [Parameter] {
    mean == nil ? state.value.map { [$0.mean, $0.variance, $0.count] } ?? [] : []
  }
  /// Tells whether the layer has been built.
  public var isBuilt: Bool { state.value != nil }

  /// Refuses a mean without a variance or of another length, numbers that are not finite and variances below 0.
  public func checkSettings() throws(RecurraError) {
    guard (mean ?? []).count == (variance ?? []).count, (mean == nil) == (variance == nil), mean != [] else {
      throw failure(
        .badArgument, expected: "as many means as variances", got: "\(mean ?? []) and \(variance ?? [])")
    }
    let largest = Double.greatestFiniteMagnitude
    for number in mean ?? [] { try checkSetting("mean", number, in: -largest...largest) }
    for number in variance ?? [] { try checkSetting("variance", number, in: 0...largest) }
  }

  /// Makes mean and variance for inputs of a shape; does nothing when that has been done.
  ///
  /// - Throws: `badArgument` for a bad setting, `badData` for another shape, or another extent than before.
  public func build(inputShape: [Int?], random: RandomSource, dtype: DType) throws(RecurraError) {
    try checkSettings()
    try checkExtents(inputShape)
    let shape = try axis.map { axis throws(RecurraError) in [try features(along: axis, of: inputShape)] } ?? []
    for numbers in [mean, variance].compactMap({ $0 }) where numbers.count != 1 && [numbers.count] != shape {
      throw failure(.badArgument, expected: "one mean, or one for each of \(shape)", got: "\(numbers.count)")
    }
    func made(_ name: String, _ numbers: [Double]?, _ start: Initializer) throws(RecurraError) -> Parameter {
      guard let numbers else { return try parameter(name, shape, dtype, start, random, isStatistic: true) }
      let given = Tensor(numbers, shape: numbers.count == 1 ? [] : shape).converted(to: dtype)
      return Parameter(name, given.stretched(to: shape), isStatistic: true)
    }
    let built = try state.build { () throws(RecurraError) in
      (
        try made("mean", mean, .zeros), try made("variance", variance, .ones),
        Parameter("count", .zeros([], dtype: .int32), isStatistic: true)
      )
    }
    guard built.mean.shape == shape else {
      throw failure(expected: "\(built.mean.count) features along axis \(axis ?? -1)", got: text(of: inputShape))
    }
  }

  /// Takes mean and variance of each feature from data, instead of those that were there; builds the layer first when
  /// that has not been done.
  ///
  /// - Parameters:
  ///   - data: rows as the layer's inputs.
  ///   - mask: which timesteps count; all when left out.
  /// - Throws: `badArgument` where mean and variance were given, `badData` for data that are not as the inputs, are
  ///   none, or hold a number that is NaN or infinite.
  public func adapt(_ data: Tensor, mask: SequenceMask = .all) throws(RecurraError) {
    guard mean == nil else { throw failure(.badArgument, expected: "no mean of its own", got: "adapt(_:)") }
    let x = data.dtype.isFloating ? data.detached : data.converted(to: .float32)
    try build(inputShape: anyBatch(of: x), random: RandomSource(seed: 0), dtype: x.dtype)
    guard let (mean, variance, _) = state.value, x.count > 0 else { throw failure(expected: "data", got: "none") }
    let place = try axis.map { axis throws(RecurraError) in try self.place(of: axis, in: x.shape) }
    let found = x.moments(
      axes: x.shape.indices.filter { $0 != place }, where: try Signal(x, mask: mask).counts(Self.typeName), surplus: 0)
    guard found.mean.sum().item.isFinite, found.variance.sum().item.isFinite else {
      throw failure(expected: "finite numbers", got: "NaN or infinity")
    }
    mean.value = found.mean.reshaped(mean.shape).converted(to: mean.dtype)
    variance.value = found.variance.reshaped(mean.shape).converted(to: mean.dtype)
  }

  /// Normalises the features.
  public func apply(_ x: Tensor, _ context: ForwardContext) throws(RecurraError) -> Tensor {
    guard let (mean, variance, _) = state.value else {
      throw failure(expected: "a built layer", got: "one that is not")
    }
    let place = try axis.map { axis throws(RecurraError) in try self.place(of: axis, in: x.shape) }
    guard place.map({ x.shape[$0] == mean.count }) ?? true, x.dtype == mean.dtype else {
      throw failure(expected: "\(mean.dtype) input of \(mean.count) features", got: "\(x.dtype) \(x.shape)")
    }
    let shape = place.map { [mean.count] + [Int](repeating: 1, count: x.rank - 1 - $0) } ?? []
    // Keras' least deviation.
    let deviation = Tensor.maximum(context.tensor(variance).sqrt(), Tensor(1e-7, dtype: x.dtype)).reshaped(shape)
    let center = context.tensor(mean).reshaped(shape)
    return invert ? x * deviation + center : (x - center) / deviation
  }
}

extension LayerArguments {
  /// Reads a list of finite numbers, or one number; nil where it is left out.
  fileprivate func numbers(_ name: String) throws(RecurraError) -> [Double]? {
    guard let value = value(name) else { return nil }
    let elements = if case .array(let list) = value { list } else { [value] }
    let numbers = elements.compactMap(\.double).filter(\.isFinite)
    guard numbers.count == elements.count else { throw failure(name, expected: "numbers", got: value) }
    return numbers
  }
}
