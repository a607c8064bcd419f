internal import RecurraTensor

/// What a normalisation learns of each feature: the scale γ and the centre β, where they are there.
struct ScaleAndCenter: Sendable {
  /// The settings that all normalisations of Keras have.
  struct Settings: Sendable {
    let epsilon: Double
    let center: Bool
    let scale: Bool
    let betaInitializer: Initializer
    let gammaInitializer: Initializer

    init(
      epsilon: Double, center: Bool, scale: Bool, betaInitializer: Initializer = .zeros,
      gammaInitializer: Initializer = .ones
    ) {
      (self.epsilon, self.center, self.scale) = (epsilon, center, scale)
      (self.betaInitializer, self.gammaInitializer) = (betaInitializer, gammaInitializer)
    }

    init(_ configuration: LayerArguments) throws(RecurraError) {
      self.init(
        epsilon: try configuration.number("epsilon", default: 1e-3, in: 0...Double.greatestFiniteMagnitude),
        center: try configuration.bool("center", default: true), scale: try configuration.bool("scale", default: true),
        betaInitializer: try configuration.initializer("beta_initializer", default: .zeros, isForVector: true),
        gammaInitializer: try configuration.initializer("gamma_initializer", default: .ones, isForVector: true))
    }

    var configuration: [String: JSONValue] {
      [
        "epsilon": .number(epsilon), "center": .bool(center), "scale": .bool(scale),
        "beta_initializer": betaInitializer.json, "gamma_initializer": gammaInitializer.json,
      ]
    }
  }

  let gamma: Parameter?
  let beta: Parameter?
  let epsilon: Double

  /// Makes those that the settings ask for.
  init(
    _ settings: Settings, for layer: some Layer, features: Int, _ dtype: DType, _ random: RandomSource
  ) throws(RecurraError) {
    epsilon = settings.epsilon
    gamma =
      settings.scale
      ? try layer.parameter("gamma", [features], dtype, settings.gammaInitializer, random.stream(0)) : nil
    beta =
      settings.center
      ? try layer.parameter("beta", [features], dtype, settings.betaInitializer, random.stream(1)) : nil
  }

  var parameters: [Parameter] { [gamma, beta].compactMap { $0 } }

  /// Computes (x − μ)/√(σ² + ε)·γ + β.
  ///
  /// - Shapes: `mean` and `variance` broadcast to `x`; γ and β as `shape`, which does.
  func callAsFunction(
    _ x: Tensor, mean: Tensor, variance: Tensor, shape: [Int], _ context: ForwardContext
  ) -> Tensor {
    var factor = 1 / (variance + epsilon).sqrt()
    if let gamma { factor = factor * context.tensor(gamma).reshaped(shape) }
    let output = (x - mean) * factor
    return beta.map { output + context.tensor($0).reshaped(shape) } ?? output
  }
}

extension Tensor {
  /// Computes mean and variance along axes, of what counts alone; `counts` int32 broadcasts to this tensor, nil counts
  /// all. Dimensions are kept.
  ///
  /// - Parameter surplus: what is added to the number of elements that count; without it none are divided by 1.
  func moments(axes: [Int], where counts: Tensor?, surplus: Double) -> (mean: Tensor, variance: Tensor) {
    guard let counts else {
      let mean = mean(axes: axes, keepingDimensions: true)
      return (mean, (self - mean).squared.mean(axes: axes, keepingDimensions: true))
    }
    let zero = Tensor(0, dtype: dtype)
    let sum = counts.converted(to: dtype).stretched(to: shape).sum(axes: axes, keepingDimensions: true)
    let number = surplus > 0 ? sum + surplus : .maximum(sum, Tensor(1, dtype: dtype))
    let mean = Tensor.select(counts, self, zero).sum(axes: axes, keepingDimensions: true) / number
    let distances = Tensor.select(counts, self - mean, zero)
    return (mean, distances.squared.sum(axes: axes, keepingDimensions: true) / number)
  }
}
