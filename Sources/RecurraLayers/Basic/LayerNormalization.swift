public import RecurraTensor

/// Gives the last axis of each element mean 0 and variance 1, then scales and shifts it:
/// (x − μ)/√(σ² + ε)·γ + β.
///
/// - Shapes: `input` [B, …, I]; result the same; `gamma`, `beta` [I].
/// - Throws: `badData` for an input with another last extent or of another type; building throws `badArgument` for a
///   bad setting.
/// - Complexity: a few passes over the input.
/// - Source: Ba, Kiros & Hinton 2016; ε = 0.001 as Keras.
public final class LayerNormalization: Layer {
  /// Names the class as Keras does.
  public static var typeName: String { "LayerNormalization" }

  /// What is added to the variance.
  public let epsilon: Double
  /// Tells whether β is there.
  public let center: Bool
  /// Tells whether γ is there.
  public let scale: Bool
  private let initializers: (gamma: Initializer, beta: Initializer)
  /// What the weights cost and what they are held to.
  public let parameterRules: ParameterRules? = ParameterRules()
  private let state = BuildState<(inputs: Int, dtype: DType, gamma: Parameter?, beta: Parameter?)>()

  /// Makes a normalisation over the last axis; γ starts at 1 and β at 0 unless said otherwise.
  public init(
    epsilon: Double = 1e-3, center: Bool = true, scale: Bool = true, betaInitializer: Initializer = .zeros,
    gammaInitializer: Initializer = .ones
  ) {
    self.epsilon = epsilon
    self.center = center
    self.scale = scale
    initializers = (gammaInitializer, betaInitializer)
  }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    if let axis = configuration.value("axis"), axis.wholeNumber != -1, axis != .array([.integer(-1)]) {
      throw configuration.failure("axis", expected: "-1, all that is supported", got: axis)
    }
    self.init(
      epsilon: try configuration.number("epsilon", default: 1e-3, in: 0...Double.greatestFiniteMagnitude),
      center: try configuration.bool("center", default: true), scale: try configuration.bool("scale", default: true),
      betaInitializer: try configuration.initializer("beta_initializer", default: .zeros, isForVector: true),
      gammaInitializer: try configuration.initializer("gamma_initializer", default: .ones, isForVector: true))
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] {
    [
      "epsilon": .number(epsilon), "center": .bool(center), "scale": .bool(scale),
      "beta_initializer": initializers.beta.json, "gamma_initializer": initializers.gamma.json,
    ]
  }

  /// `gamma` and `beta`, those that are there; empty before the layer is built.
  public var parameters: [Parameter] { state.value.map { [$0.gamma, $0.beta].compactMap { $0 } } ?? [] }
  /// Tells whether the layer has been built.
  public var isBuilt: Bool { state.value != nil }

  /// Refuses an `epsilon` below 0 or not finite.
  public func checkSettings() throws(RecurraError) {
    try checkSetting("epsilon", epsilon, in: 0...Double.greatestFiniteMagnitude)
  }

  /// Makes the parameters for inputs of a shape; does nothing when that has been done.
  ///
  /// - Shapes: `inputShape` [B, …, I] with a known I.
  /// - Throws: `badArgument` for a bad setting, `badData` for another shape, or another I than before.
  public func build(inputShape: [Int?], random: RandomSource, dtype: DType) throws(RecurraError) {
    try checkSettings()
    let inputs = try features(of: inputShape, rank: 2..., "[B, …, I]")
    let built = try state.build { () throws(RecurraError) in
      let gamma = scale ? try parameter("gamma", [inputs], dtype, initializers.gamma, random.stream(0)) : nil
      let beta = center ? try parameter("beta", [inputs], dtype, initializers.beta, random.stream(1)) : nil
      return (inputs, dtype, gamma, beta)
    }
    guard built.inputs == inputs else {
      throw failure(expected: "input [B, …, \(built.inputs)]", got: text(of: inputShape))
    }
  }

  /// Returns the shape it is given.
  public func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] { inputShape }

  /// Normalises the last axis.
  public func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    guard let (inputs, dtype, gamma, beta) = state.value else {
      throw failure(expected: "a built layer", got: "one that is not")
    }
    let x = input.value
    try checkInput(x, minimumRank: 2, features: inputs, dtype: dtype)
    let centered = x - x.mean(axes: [-1], keepingDimensions: true)
    let variance = centered.squared.mean(axes: [-1], keepingDimensions: true)
    var output = centered / (variance + epsilon).sqrt()
    if let gamma { output = output * context.tensor(gamma) }
    if let beta { output = output + context.tensor(beta) }
    return input.with(value: output)
  }
}
