public import RecurraTensor

/// Convolves each feature by itself, into `depthMultiplier` features.
///
/// With lengths a row's answer is that of the row alone, as `Conv1D` has it.
///
/// - Shapes: `input` [B, T, I]; result [B, T′, I·M] for a depth multiplier M, feature i·M + m from feature i;
///   `kernel` [kernelSize, I, M], `bias` [I·M].
/// - Throws: `badData` for an input of another shape or type; building throws `badArgument` for a bad setting.
/// - Complexity: 2·B·T′·kernelSize·I·M flops.
/// - Source: Keras, `keras.layers.DepthwiseConv1D`.
public final class DepthwiseConv1D: Layer {
  /// Names the class as Keras does.
  public static var typeName: String { "DepthwiseConv1D" }

  /// The number of features that each one is made into.
  public let depthMultiplier: Int
  private let settings: ConvolutionSettings
  private let initializer: Initializer
  /// What the weights cost and what they are held to.
  public let parameterRules: ParameterRules? = ParameterRules()
  private let state = BuildState<(kernel: Parameter, bias: Parameter?)>()

  /// Makes a convolution of single features; the kernel is Glorot uniform and the bias 0 unless said otherwise.
  public convenience init(
    kernelSize: Int, strides: Int = 1, padding: TimePadding = .valid, depthMultiplier: Int = 1, dilationRate: Int = 1,
    activation: Activation = .linear, useBias: Bool = true, depthwiseInitializer: Initializer = .glorotUniform,
    biasInitializer: Initializer = .zeros
  ) {
    self.init(
      depthMultiplier,
      ConvolutionSettings(kernelSize, strides, padding, dilationRate, activation, useBias, biasInitializer),
      depthwiseInitializer)
  }

  private init(_ depthMultiplier: Int, _ settings: ConvolutionSettings, _ initializer: Initializer) {
    (self.depthMultiplier, self.settings, self.initializer) = (depthMultiplier, settings, initializer)
  }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    self.init(
      try configuration.integer("depth_multiplier", default: 1, in: LayerArguments.sizes),
      try ConvolutionSettings(configuration),
      try configuration.initializer("depthwise_initializer", default: .glorotUniform))
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] {
    settings.configuration.merging([
      "depth_multiplier": .integer(depthMultiplier), "depthwise_initializer": initializer.json,
    ]) { $1 }
  }

  /// `kernel` and, where there is one, `bias`; empty before the layer is built.
  public var parameters: [Parameter] { state.value.map { [$0.kernel, $0.bias].compactMap { $0 } } ?? [] }
  /// Tells whether the layer has been built.
  public var isBuilt: Bool { state.value != nil }
  /// The function applied to the sums.
  public var finalActivation: Activation? { settings.activation }

  /// Refuses sizes below 1, strides together with a dilation, and causal padding.
  public func checkSettings() throws(RecurraError) {
    try checkSetting("depthMultiplier", depthMultiplier, in: LayerArguments.sizes)
    try settings.check(self)
  }

  /// Makes the parameters for inputs of a shape; does nothing when that has been done.
  ///
  /// - Throws: `badArgument` for a bad setting, `badData` for another shape, or another I than before.
  public func build(inputShape: [Int?], random: RandomSource, dtype: DType) throws(RecurraError) {
    _ = try outputShape(for: inputShape)
    let inputs = try features(of: inputShape, rank: 3...3, "[B, T, I]")
    let built = try state.build { () throws(RecurraError) in
      let kernel = try parameter(
        "kernel", [settings.windows.size, inputs, depthMultiplier], dtype, initializer, random.stream(0))
      return (kernel, try settings.bias(inputs * depthMultiplier, self, dtype, random.stream(1)))
    }
    guard built.kernel.shape[1] == inputs else {
      throw failure(expected: "input [B, T, \(built.kernel.shape[1])]", got: text(of: inputShape))
    }
  }

  /// Works out the timesteps, and multiplies the features.
  public func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] {
    try checkSettings()
    let timesteps = try settings.windows.timesteps(inputShape, self)
    return [inputShape[0], timesteps, inputShape[2].map { MemoryLimit.bytes($0, depthMultiplier) }]
  }

  /// Computes the features.
  public func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    let sums = try forwardBeforeActivation(input, context)
    return sums.with(value: settings.activation(sums.value))
  }

  /// Computes what the activation is applied to.
  public func forwardBeforeActivation(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    guard let (kernel, bias) = state.value else { throw failure(expected: "a built layer", got: "one that is not") }
    try checkInput(input.value, minimumRank: 3, features: kernel.shape[1], dtype: kernel.dtype)
    let unfolded = try settings.windows.unfolded(input, filler: 0, self)
    let sums = ConvolutionSettings.depthwise(unfolded.values, context.tensor(kernel))
    return Signal(bias.map { sums + context.tensor($0) } ?? sums, mask: unfolded.mask, states: input.states)
  }
}
