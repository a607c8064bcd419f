public import RecurraTensor

/// Gives each feature mean 0 and variance 1 over the batch, then scales and shifts it:
/// (x − μ)/√(σ² + ε)·γ + β.
///
/// While training μ and σ² are those of the batch, over timesteps that count alone, and the moving ones follow them:
/// moving · momentum + batch · (1 − momentum). Otherwise the moving ones are taken, and always by a layer that is
/// frozen. They are saved with the model and belong to no optimiser.
///
/// A batch that is trained in blocks (`fit(blockSize:)`) is normalised block by block, each over its own rows, and the
/// moving numbers follow each of them in turn: statistics of k rows instead of the whole batch's.
///
/// - Shapes: `input` [B, …, I] with I along `axis`; result the same; `gamma`, `beta`, `moving_mean` and
///   `moving_variance` [I].
/// - Throws: `badData` for an input with another extent along the axis or of another type; building throws
///   `badArgument` for a bad setting.
/// - Complexity: a few passes over the input.
/// - Source: Ioffe & Szegedy 2015; `keras.layers.BatchNormalization` without renorm.
public final class BatchNormalization: Layer {
  /// Names the class as Keras does.
  public static var typeName: String { "BatchNormalization" }

  /// The axis of the features; below 0 counted from the end.
  public let axis: Int
  /// How much of the moving numbers stays with each batch.
  public let momentum: Double
  private let settings: ScaleAndCenter.Settings
  private let initializers: (mean: Initializer, variance: Initializer)
  /// What the weights cost and what they are held to.
  public let parameterRules: ParameterRules? = ParameterRules()
  private let state = BuildState<(learned: ScaleAndCenter, mean: Parameter, variance: Parameter)>()

  /// Makes a normalisation over the batch; γ and the moving variance start at 1, β and the moving mean at 0.
  public convenience init(
    axis: Int = -1, momentum: Double = 0.99, epsilon: Double = 1e-3, center: Bool = true, scale: Bool = true,
    betaInitializer: Initializer = .zeros, gammaInitializer: Initializer = .ones,
    movingMeanInitializer: Initializer = .zeros, movingVarianceInitializer: Initializer = .ones
  ) {
    self.init(
      axis: axis, momentum: momentum,
      ScaleAndCenter.Settings(
        epsilon: epsilon, center: center, scale: scale, betaInitializer: betaInitializer,
        gammaInitializer: gammaInitializer), movingMeanInitializer, movingVarianceInitializer)
  }

  private init(
    axis: Int, momentum: Double, _ settings: ScaleAndCenter.Settings, _ mean: Initializer, _ variance: Initializer
  ) {
    (self.axis, self.momentum, self.settings) = (axis, momentum, settings)
    initializers = (mean, variance)
  }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    for name in ["synchronized", "renorm"] where try configuration.bool(name, default: false) {
      throw configuration.failure(name, expected: "false, all that is supported", got: .bool(true))
    }
    // What they set needs renorm.
    _ = (configuration.value("renorm_clipping"), configuration.value("renorm_momentum"))
    self.init(
      axis: try configuration.integer("axis", default: -1, in: -64...64),
      momentum: try configuration.number("momentum", default: 0.99, in: 0...1),
      try ScaleAndCenter.Settings(configuration),
      try configuration.initializer("moving_mean_initializer", default: .zeros, isForVector: true),
      try configuration.initializer("moving_variance_initializer", default: .ones, isForVector: true))
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] {
    settings.configuration.merging([
      "axis": .integer(axis), "momentum": .number(momentum), "moving_mean_initializer": initializers.mean.json,
      "moving_variance_initializer": initializers.variance.json,
    ]) { $1 }
  }

  /// What is added to the variance.
  public var epsilon: Double { settings.epsilon }
  /// `gamma` and `beta`, those that are there, `moving_mean` and `moving_variance`; empty before the layer is built.
  public var parameters: [Parameter] { state.value.map { $0.learned.parameters + [$0.mean, $0.variance] } ?? [] }
  /// Tells whether the layer has been built.
  public var isBuilt: Bool { state.value != nil }

  /// Refuses a `momentum` outside 0...1, and an `epsilon` below 0 or not finite.
  public func checkSettings() throws(RecurraError) {
    try checkSetting("momentum", momentum, in: 0...1)
    try checkSetting("epsilon", epsilon, in: 0...Double.greatestFiniteMagnitude)
  }

  /// Makes the parameters for inputs of a shape; does nothing when that has been done.
  ///
  /// - Throws: `badArgument` for a bad setting, `badData` for another shape, or another extent than before.
  public func build(inputShape: [Int?], random: RandomSource, dtype: DType) throws(RecurraError) {
    try checkSettings()
    let features = try features(along: axis, of: inputShape)
    let built = try state.build { () throws(RecurraError) in
      let learned = try ScaleAndCenter(settings, for: self, features: features, dtype, random)
      let mean = try parameter(
        "moving_mean", [features], dtype, initializers.mean, random.stream(2), isStatistic: true)
      let variance = try parameter(
        "moving_variance", [features], dtype, initializers.variance, random.stream(3), isStatistic: true)
      return (learned, mean, variance)
    }
    guard built.mean.count == features else {
      throw failure(expected: "\(built.mean.count) features along axis \(axis)", got: text(of: inputShape))
    }
  }

  /// Returns the shape it is given.
  public func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] { inputShape }

  /// Normalises the features.
  public func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    guard let (learned, movingMean, movingVariance) = state.value else {
      throw failure(expected: "a built layer", got: "one that is not")
    }
    let x = input.value
    let place = try place(of: axis, in: x.shape)
    guard x.shape[place] == movingMean.count, x.dtype == movingMean.dtype else {
      throw failure(
        expected: "\(movingMean.dtype) input of \(movingMean.count) features along axis \(axis)",
        got: "\(x.dtype) \(x.shape)")
    }
    let shape = [movingMean.count] + [Int](repeating: 1, count: x.rank - 1 - place)
    guard context.isTraining, !movingMean.isFrozen else {
      let (mean, variance) = (context.tensor(movingMean).reshaped(shape), context.tensor(movingVariance))
      return input.with(value: learned(x, mean: mean, variance: variance.reshaped(shape), shape: shape, context))
    }
    guard x.count > 0 else { return input }
    let counts = try input.counts(Self.typeName)
    let read = x.finite(where: counts)
    // Keras adds this to the number of timesteps that count.
    let (mean, variance) = read.moments(
      axes: x.shape.indices.filter { $0 != place }, where: counts, surplus: 1e-7)
    context.follow(mean, by: movingMean, momentum: momentum)
    context.follow(variance, by: movingVariance, momentum: momentum)
    return input.with(value: learned(read, mean: mean, variance: variance, shape: shape, context))
  }
}

extension Signal {
  /// What counts, as int32 that broadcasts to the value; nil where all does, and for values without timesteps.
  func counts(_ operation: String) throws(RecurraError) -> Tensor? {
    guard !mask.isAll, shape.count > 2 else { return nil }
    try mask.check(rows: shape[0], timesteps: shape[1], operation)
    return mask.tensor(rows: shape[0], timesteps: shape[1], dtype: .int32)
      .reshaped(Array(shape.prefix(2)) + [Int](repeating: 1, count: shape.count - 2))
  }
}

extension Tensor {
  /// The same with 0 for what is not finite where nothing counts, so that no gradient becomes NaN by 0 · NaN.
  func finite(where counts: Tensor?) -> Tensor {
    guard let counts else { return self }
    let isFinite = (detached - detached).isEqual(to: Tensor(0, dtype: dtype))
    return .select(isFinite + counts, self, Tensor(0, dtype: dtype))
  }
}

extension Layer {
  /// The extent of an input along the axis of its features.
  func features(along axis: Int, of shape: [Int?]) throws(RecurraError) -> Int {
    try checkExtents(shape)
    guard let features = shape[try place(of: axis, in: shape)], features > 0 else {
      throw failure(expected: "a known extent along axis \(axis)", got: text(of: shape))
    }
    return features
  }
}
