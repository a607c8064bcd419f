internal import RecurraCells
public import RecurraTensor

/// Convolves each feature by itself, then mixes them at every timestep: a `DepthwiseConv1D` without bias, and a `Dense`
/// behind it.
///
/// With lengths a row's answer is that of the row alone, as `Conv1D` has it.
///
/// - Shapes: `input` [B, T, I]; result [B, T′, filters]; for a depth multiplier M `depthwise_kernel`
///   [kernelSize, I, M] and `pointwise_kernel` [1, I·M, filters]; `bias` [filters].
/// - Throws: `badData` for an input of another shape or type; building throws `badArgument` for a bad setting.
/// - Complexity: 2·B·T′·I·M·(kernelSize + filters) flops.
/// - Accuracy: as `Dense`.
/// - Source: Keras, `keras.layers.SeparableConv1D`.
public final class SeparableConv1D: Layer {
  /// Names the class as Keras does.
  public static var typeName: String { "SeparableConv1D" }

  /// The last extent of the output.
  public let filters: Int
  /// The number of features that each one is made into before they are mixed.
  public let depthMultiplier: Int
  private let settings: ConvolutionSettings
  private let initializers: (depthwise: Initializer, pointwise: Initializer)
  /// What the weights cost and what they are held to.
  public let parameterRules: ParameterRules? = ParameterRules()
  private let state = BuildState<(depthwise: Parameter, pointwise: Parameter, bias: Parameter?)>()
  private let product = PackedProduct()

  /// Makes a separable convolution; the kernels are Glorot uniform and the bias 0 unless said otherwise.
  public convenience init(
    filters: Int, kernelSize: Int, strides: Int = 1, padding: TimePadding = .valid, dilationRate: Int = 1,
    depthMultiplier: Int = 1, activation: Activation = .linear, useBias: Bool = true,
    depthwiseInitializer: Initializer = .glorotUniform, pointwiseInitializer: Initializer = .glorotUniform,
    biasInitializer: Initializer = .zeros
  ) {
    self.init(
      filters, depthMultiplier,
      ConvolutionSettings(kernelSize, strides, padding, dilationRate, activation, useBias, biasInitializer),
      depthwiseInitializer, pointwiseInitializer)
  }

  private init(
    _ filters: Int, _ depthMultiplier: Int, _ settings: ConvolutionSettings, _ depthwise: Initializer,
    _ pointwise: Initializer
  ) {
    (self.filters, self.depthMultiplier, self.settings) = (filters, depthMultiplier, settings)
    initializers = (depthwise, pointwise)
  }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    self.init(
      try configuration.positive("filters"),
      try configuration.integer("depth_multiplier", default: 1, in: LayerArguments.sizes),
      try ConvolutionSettings(configuration, allowsCausal: true),
      try configuration.initializer("depthwise_initializer", default: .glorotUniform),
      try configuration.initializer("pointwise_initializer", default: .glorotUniform))
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] {
    settings.configuration.merging([
      "filters": .integer(filters), "depth_multiplier": .integer(depthMultiplier),
      "depthwise_initializer": initializers.depthwise.json, "pointwise_initializer": initializers.pointwise.json,
    ]) { $1 }
  }

  /// `depthwise_kernel`, `pointwise_kernel` and, where there is one, `bias`; empty before the layer is built.
  public var parameters: [Parameter] {
    state.value.map { [$0.depthwise, $0.pointwise, $0.bias].compactMap { $0 } } ?? []
  }
  /// Tells whether the layer has been built.
  public var isBuilt: Bool { state.value != nil }
  /// The function applied to the sums.
  public var finalActivation: Activation? { settings.activation }

  /// Refuses sizes below 1, and strides together with a dilation.
  public func checkSettings() throws(RecurraError) {
    try checkSetting("filters", filters, in: LayerArguments.sizes)
    try checkSetting("depthMultiplier", depthMultiplier, in: LayerArguments.sizes)
    try settings.check(self, allowsCausal: true)
  }

  /// Makes the parameters for inputs of a shape; does nothing when that has been done.
  ///
  /// - Throws: `badArgument` for a bad setting, `badData` for another shape, or another I than before.
  public func build(inputShape: [Int?], random: RandomSource, dtype: DType) throws(RecurraError) {
    _ = try outputShape(for: inputShape)
    let inputs = try features(of: inputShape, rank: 3...3, "[B, T, I]")
    let built = try state.build { () throws(RecurraError) in
      let depthwise = try parameter(
        "depthwise_kernel", [settings.windows.size, inputs, depthMultiplier], dtype, initializers.depthwise,
        random.stream(0))
      let pointwise = try parameter(
        "pointwise_kernel", [1, inputs * depthMultiplier, filters], dtype, initializers.pointwise, random.stream(1))
      return (depthwise, pointwise, try settings.bias(filters, self, dtype, random.stream(2)))
    }
    guard built.depthwise.shape[1] == inputs else {
      throw failure(expected: "input [B, T, \(built.depthwise.shape[1])]", got: text(of: inputShape))
    }
  }

  /// Works out the timesteps, and puts `filters` in the place of the features.
  public func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] {
    try checkSettings()
    return [inputShape.first ?? nil, try settings.windows.timesteps(inputShape, self), filters]
  }

  /// Computes the features.
  public func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    let sums = try forwardBeforeActivation(input, context)
    return sums.with(value: settings.activation(sums.value))
  }

  /// Computes what the activation is applied to.
  public func forwardBeforeActivation(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    guard let (depthwise, pointwise, bias) = state.value else {
      throw failure(expected: "a built layer", got: "one that is not")
    }
    try checkInput(input.value, minimumRank: 3, features: depthwise.shape[1], dtype: depthwise.dtype)
    let unfolded = try settings.windows.unfolded(input, filler: 0, self)
    let single = ConvolutionSettings.depthwise(unfolded.values, context.tensor(depthwise))
    let (weights, version) = context.versioned(pointwise)
    let sums = product.rows(
      single, weights.reshaped(Array(pointwise.shape.dropFirst())), version: version, adding: bias.map(context.tensor))
    return Signal(sums, mask: unfolded.mask, states: input.states)
  }
}
