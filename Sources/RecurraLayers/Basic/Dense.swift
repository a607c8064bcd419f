public import RecurraTensor

/// Computes activation(x·W + b) along the last axis.
///
/// - Shapes: `input` [B, …, I]; result [B, …, units]; `kernel` [I, units], `bias` [units].
/// - Throws: `badData` for an input with another last extent, of another type, or with fewer than two axes; building
///   throws `badArgument` for a bad setting.
/// - Complexity: 2·rows·I·units flops, one product whatever the rank.
/// - Accuracy: a row's result has the same bits in any batch and on any number of threads in float32. OpenBLAS, which
///   multiplies in float64 or where `MultiplierChoice` says so, adds in an order that depends on the number of rows, so
///   there the last bits may differ with the rows that are computed along with it.
/// - Source: Keras, `keras.layers.Dense`.
public final class Dense: Layer {
  /// Names the class as Keras does.
  public static var typeName: String { "Dense" }

  /// The last extent of the output.
  public let units: Int
  /// The function applied to the sums.
  public let activation: Activation
  /// Tells whether there is a bias.
  public let useBias: Bool
  private let kernelInitializer: Initializer
  private let biasInitializer: Initializer
  /// What the weights cost and what they are held to.
  public let parameterRules: ParameterRules? = ParameterRules()
  private let state = BuildState<(kernel: Parameter, bias: Parameter?)>()
  private let product = PackedProduct()

  /// Makes a dense layer; the kernel is Glorot uniform and the bias 0 unless said otherwise.
  public init(
    units: Int, activation: Activation = .linear, useBias: Bool = true, kernelInitializer: Initializer = .glorotUniform,
    biasInitializer: Initializer = .zeros
  ) {
    self.units = units
    self.activation = activation
    self.useBias = useBias
    self.kernelInitializer = kernelInitializer
    self.biasInitializer = biasInitializer
  }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    self.init(
      units: try configuration.positive("units"),
      activation: try configuration.activation("activation", default: .linear),
      useBias: try configuration.bool("use_bias", default: true),
      kernelInitializer: try configuration.initializer("kernel_initializer", default: .glorotUniform),
      biasInitializer: try configuration.initializer("bias_initializer", default: .zeros, isForVector: true))
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] {
    [
      "units": .integer(units), "activation": .string(activation.rawValue), "use_bias": .bool(useBias),
      "kernel_initializer": kernelInitializer.json, "bias_initializer": biasInitializer.json,
    ]
  }

  /// `kernel` and, where there is one, `bias`; empty before the layer is built.
  public var parameters: [Parameter] { state.value.map { [$0.kernel, $0.bias].compactMap { $0 } } ?? [] }
  /// Tells whether the layer has been built.
  public var isBuilt: Bool { state.value != nil }

  /// Refuses `units` outside 1...2³¹ − 1.
  public func checkSettings() throws(RecurraError) {
    try checkSetting("units", units, in: LayerArguments.sizes)
  }

  /// Makes the parameters for inputs of a shape; does nothing when that has been done.
  ///
  /// - Shapes: `inputShape` [B, …, I] with a known I.
  /// - Throws: `badArgument` for a bad setting, `badData` for another shape, or another I than before.
  public func build(inputShape: [Int?], random: RandomSource, dtype: DType) throws(RecurraError) {
    try checkSettings()
    let inputs = try features(of: inputShape, rank: 2..., "[B, …, I]")
    let built = try state.build { () throws(RecurraError) in
      let kernel = try parameter("kernel", [inputs, units], dtype, kernelInitializer, random.stream(0))
      let bias = useBias ? try parameter("bias", [units], dtype, biasInitializer, random.stream(1)) : nil
      return (kernel, bias)
    }
    guard built.kernel.shape[0] == inputs else {
      throw failure(expected: "input [B, …, \(built.kernel.shape[0])]", got: text(of: inputShape))
    }
  }

  /// Puts `units` in the place of the last extent.
  public func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] {
    guard inputShape.count >= 2 else { throw failure(expected: "input [B, …, I]", got: text(of: inputShape)) }
    return inputShape.dropLast() + [units]
  }

  /// Computes activation(x·W + b).
  public func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    input.with(value: activation(try sums(input.value, context)))
  }

  /// `activation`.
  public var finalActivation: Activation? { activation }

  /// Computes x·W + b, what the activation is applied to.
  public func forwardBeforeActivation(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    input.with(value: try sums(input.value, context))
  }

  private func sums(_ input: Tensor, _ context: ForwardContext) throws(RecurraError) -> Tensor {
    guard let (kernel, bias) = state.value else { throw failure(expected: "a built layer", got: "one that is not") }
    try checkInput(input, minimumRank: 2, features: kernel.shape[0], dtype: kernel.dtype)
    let (weights, version) = context.versioned(kernel)
    return product.rows(input, weights, version: version, adding: bias.map(context.tensor))
  }
}
