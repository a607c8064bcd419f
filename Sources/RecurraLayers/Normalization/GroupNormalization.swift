public import RecurraTensor

/// Gives each group of features of a row mean 0 and variance 1, then scales and shifts each feature:
/// (x − μ)/√(σ² + ε)·γ + β.
///
/// With lengths a row's answer is that of the row alone, cut to its length. A mask of steps goes on, but what it leaves
/// out is taken in, as in Keras.
///
/// - Shapes: `input` [B, …, I] with I along `axis`; result the same; `gamma`, `beta` [I].
/// - Throws: `badData` for an input with another extent along the axis or of another type, or features that the groups
///   do not divide; building throws `badArgument` for a bad setting.
/// - Complexity: a few passes over the input.
/// - Source: Wu & He 2018; `keras.layers.GroupNormalization`.
public final class GroupNormalization: Layer {
  /// Names the class as Keras does.
  public static var typeName: String { "GroupNormalization" }

  /// The number of groups; −1 for one to each feature.
  public let groups: Int
  /// The axis of the features; below 0 counted from the end.
  public let axis: Int
  private let settings: ScaleAndCenter.Settings
  /// What the weights cost and what they are held to.
  public let parameterRules: ParameterRules? = ParameterRules()
  private let state = BuildState<(learned: ScaleAndCenter, features: Int, dtype: DType)>()

  /// Makes a normalisation over groups of features; γ starts at 1 and β at 0 unless said otherwise.
  public convenience init(
    groups: Int = 32, axis: Int = -1, epsilon: Double = 1e-3, center: Bool = true, scale: Bool = true,
    betaInitializer: Initializer = .zeros, gammaInitializer: Initializer = .ones
  ) {
    self.init(
      groups: groups, axis: axis,
      ScaleAndCenter.Settings(
        epsilon: epsilon, center: center, scale: scale, betaInitializer: betaInitializer,
        gammaInitializer: gammaInitializer))
  }

  private init(groups: Int, axis: Int, _ settings: ScaleAndCenter.Settings) {
    (self.groups, self.axis, self.settings) = (groups, axis, settings)
  }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    self.init(
      groups: try configuration.integer("groups", default: 32, in: -1...Int(Int32.max)),
      axis: try configuration.integer("axis", default: -1, in: -64...64),
      try ScaleAndCenter.Settings(configuration))
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] {
    settings.configuration.merging(["groups": .integer(groups), "axis": .integer(axis)]) { $1 }
  }

  /// What is added to the variance.
  public var epsilon: Double { settings.epsilon }
  /// `gamma` and `beta`, those that are there; empty before the layer is built.
  public var parameters: [Parameter] { state.value?.learned.parameters ?? [] }
  /// Tells whether the layer has been built.
  public var isBuilt: Bool { state.value != nil }

  /// Refuses `groups` other than −1 or 1...2³¹ − 1, and an `epsilon` below 0 or not finite.
  public func checkSettings() throws(RecurraError) {
    if groups != -1 { try checkSetting("groups", groups, in: LayerArguments.sizes) }
    try checkSetting("epsilon", epsilon, in: 0...Double.greatestFiniteMagnitude)
  }

  /// Makes the parameters for inputs of a shape; does nothing when that has been done.
  ///
  /// - Throws: `badArgument` for a bad setting and for features that the groups do not divide, `badData` for another
  ///   shape, or another extent than before.
  public func build(inputShape: [Int?], random: RandomSource, dtype: DType) throws(RecurraError) {
    try checkSettings()
    let features = try features(along: axis, of: inputShape)
    guard groups == -1 || features % groups == 0 else {
      throw failure(.badArgument, expected: "groups that divide \(features) features", got: "\(groups)")
    }
    let built = try state.build { () throws(RecurraError) in
      (try ScaleAndCenter(settings, for: self, features: features, dtype, random), features, dtype)
    }
    guard built.features == features else {
      throw failure(expected: "\(built.features) features along axis \(axis)", got: text(of: inputShape))
    }
  }

  /// Returns the shape it is given.
  public func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] { inputShape }

  /// Normalises the groups.
  public func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    guard let (learned, features, dtype) = state.value else {
      throw failure(expected: "a built layer", got: "one that is not")
    }
    let x = input.value
    let place = try place(of: axis, in: x.shape)
    guard x.shape[place] == features, x.dtype == dtype else {
      throw failure(
        expected: "\(dtype) input of \(features) features along axis \(axis)", got: "\(x.dtype) \(x.shape)")
    }
    guard x.count > 0 else { return input }
    // [B, …, groups, features of a group, …]
    let groups = groups == -1 ? features : groups
    func split(_ extents: [Int]) -> [Int] {
      let parts = extents[place] == 1 ? [1, 1] : [groups, features / groups]
      return extents.prefix(place) + parts + extents.dropFirst(place + 1)
    }
    let counts = try Signal(x, mask: input.mask.withoutSteps).counts(Self.typeName)
    let grouped = x.finite(where: counts).reshaped(split(x.shape))
    let (mean, variance) = grouped.moments(
      axes: grouped.shape.indices.filter { $0 != 0 && $0 != place },
      where: counts.map { $0.reshaped(split($0.shape)) }, surplus: 0)
    let shape = [groups, features / groups] + [Int](repeating: 1, count: x.rank - 1 - place)
    let output = learned(grouped, mean: mean, variance: variance, shape: shape, context)
    return input.with(value: output.reshaped(x.shape))
  }
}
