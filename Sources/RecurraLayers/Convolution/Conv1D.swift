internal import RecurraCells
public import RecurraTensor

/// Computes activation(Σₖ x[t·stride + k·dilation]·Wₖ + b) for every timestep, from a few neighbours at a time.
///
/// With lengths a row's answer is that of the row alone, cut to its length, and later layers are told how long it is. A
/// mask of steps is not looked at and goes no further, as in Keras.
///
/// - Shapes: `input` [B, T, I]; result [B, T′, filters]; `kernel` [kernelSize, I / groups, filters], `bias`
///   [filters].
/// - Throws: `badData` for an input of another shape or type; building throws `badArgument` for a bad setting.
/// - Complexity: 2·B·T′·kernelSize·I/groups·filters flops, one product to a group.
/// - Accuracy: as `Dense`.
/// - Source: Keras, `keras.layers.Conv1D`.
public final class Conv1D: Layer {
  /// Names the class as Keras does.
  public static var typeName: String { "Conv1D" }

  /// The last extent of the output.
  public let filters: Int
  /// The number of parts that features and filters are cut into, each filter seeing one part's features.
  public let groups: Int
  private let settings: ConvolutionSettings
  private let kernelInitializer: Initializer
  /// What the weights cost and what they are held to.
  public let parameterRules: ParameterRules? = ParameterRules()
  private let state = BuildState<(kernel: Parameter, bias: Parameter?, products: [PackedProduct])>()

  /// Makes a convolution over time; the kernel is Glorot uniform and the bias 0 unless said otherwise.
  public convenience init(
    filters: Int, kernelSize: Int, strides: Int = 1, padding: TimePadding = .valid, dilationRate: Int = 1,
    groups: Int = 1, activation: Activation = .linear, useBias: Bool = true,
    kernelInitializer: Initializer = .glorotUniform, biasInitializer: Initializer = .zeros
  ) {
    self.init(
      filters, groups,
      ConvolutionSettings(kernelSize, strides, padding, dilationRate, activation, useBias, biasInitializer),
      kernelInitializer)
  }

  private init(_ filters: Int, _ groups: Int, _ settings: ConvolutionSettings, _ kernelInitializer: Initializer) {
    (self.filters, self.groups) = (filters, groups)
    (self.settings, self.kernelInitializer) = (settings, kernelInitializer)
  }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    self.init(
      try configuration.positive("filters"), try configuration.integer("groups", default: 1, in: LayerArguments.sizes),
      try ConvolutionSettings(configuration, allowsCausal: true),
      try configuration.initializer("kernel_initializer", default: .glorotUniform))
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] {
    settings.configuration.merging([
      "filters": .integer(filters), "groups": .integer(groups), "kernel_initializer": kernelInitializer.json,
    ]) { $1 }
  }

  /// `kernel` and, where there is one, `bias`; empty before the layer is built.
  public var parameters: [Parameter] { state.value.map { [$0.kernel, $0.bias].compactMap { $0 } } ?? [] }
  /// Tells whether the layer has been built.
  public var isBuilt: Bool { state.value != nil }
  /// The function applied to the sums.
  public var finalActivation: Activation? { settings.activation }

  /// Refuses sizes below 1, strides together with a dilation, and filters that the groups do not divide.
  public func checkSettings() throws(RecurraError) {
    try checkSetting("filters", filters, in: LayerArguments.sizes)
    try checkSetting("groups", groups, in: LayerArguments.sizes)
    try settings.check(self, allowsCausal: true)
    guard filters % groups == 0 else {
      throw failure(.badArgument, expected: "groups that divide \(filters) filters", got: "\(groups)")
    }
  }

  /// Makes the parameters for inputs of a shape; does nothing when that has been done.
  ///
  /// - Throws: `badArgument` for a bad setting and for features that the groups do not divide, `badData` for another
  ///   shape, or another I than before.
  public func build(inputShape: [Int?], random: RandomSource, dtype: DType) throws(RecurraError) {
    _ = try outputShape(for: inputShape)
    let inputs = try features(of: inputShape, rank: 3...3, "[B, T, I]")
    guard inputs > 0, inputs % groups == 0 else {
      throw failure(.badArgument, expected: "groups that divide \(inputs) features", got: "\(groups)")
    }
    let built = try state.build { () throws(RecurraError) in
      let kernel = try parameter(
        "kernel", [settings.windows.size, inputs / groups, filters], dtype, kernelInitializer, random.stream(0))
      let bias = try settings.bias(filters, self, dtype, random.stream(1))
      return (kernel, bias, (0..<groups).map { _ in PackedProduct() })
    }
    guard built.kernel.shape[1] * groups == inputs else {
      throw failure(expected: "input [B, T, \(built.kernel.shape[1] * groups)]", got: text(of: inputShape))
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
    guard let (kernel, bias, products) = state.value else {
      throw failure(expected: "a built layer", got: "one that is not")
    }
    let (size, inputs) = (settings.windows.size, kernel.shape[1])
    try checkInput(input.value, minimumRank: 3, features: inputs * groups, dtype: kernel.dtype)
    let unfolded = try settings.windows.unfolded(input, filler: 0, self)
    let (weights, version) = context.versioned(kernel)
    let shift = bias.map(context.tensor)
    func part(_ tensor: Tensor, _ group: Int, _ extent: Int, axis: Int) -> Tensor {
      groups == 1 ? tensor : tensor.sliced(group * extent..<(group + 1) * extent, axis: axis)
    }
    let output = filters / groups
    let (rows, timesteps) = (unfolded.values.shape[0], unfolded.values.shape[1])
    let sums = products.enumerated().map { group, product in
      product.rows(
        part(unfolded.values, group, inputs, axis: 3).reshaped([rows, timesteps, size * inputs]),
        part(weights, group, output, axis: 2).reshaped([size * inputs, output]), version: version,
        adding: shift.map { part($0, group, output, axis: 0) })
    }
    return Signal(
      groups == 1 ? sums[0] : .concatenated(sums, axis: 2), mask: unfolded.mask, states: input.states)
  }
}
