internal import RecurraTensor

/// What all convolutions over time have beside their kernels.
struct ConvolutionSettings: Sendable {
  let windows: TimeWindows
  let activation: Activation
  let useBias: Bool
  let biasInitializer: Initializer

  init(
    _ kernelSize: Int, _ strides: Int, _ padding: TimePadding, _ dilationRate: Int, _ activation: Activation,
    _ useBias: Bool, _ biasInitializer: Initializer
  ) {
    windows = TimeWindows(size: kernelSize, stride: strides, dilation: dilationRate, padding: padding)
    (self.activation, self.useBias, self.biasInitializer) = (activation, useBias, biasInitializer)
  }

  init(_ configuration: LayerArguments, allowsCausal: Bool = false) throws(RecurraError) {
    self.init(
      try configuration.extent("kernel_size"), try configuration.extent("strides", default: 1),
      try configuration.padding(allowsCausal: allowsCausal), try configuration.extent("dilation_rate", default: 1),
      try configuration.activation("activation", default: .linear), try configuration.bool("use_bias", default: true),
      try configuration.initializer("bias_initializer", default: .zeros, isForVector: true))
  }

  var configuration: [String: JSONValue] {
    [
      "kernel_size": .array([.integer(windows.size)]), "strides": .array([.integer(windows.stride)]),
      "padding": .string(windows.padding.rawValue), "dilation_rate": .array([.integer(windows.dilation)]),
      "activation": .string(activation.rawValue), "use_bias": .bool(useBias), "bias_initializer": biasInitializer.json,
    ]
  }

  func check(_ layer: some Layer, allowsCausal: Bool = false) throws(RecurraError) {
    try windows.check(layer, sizeName: "kernelSize")
    guard windows.stride == 1 || windows.dilation == 1 else {
      throw layer.failure(
        .badArgument, expected: "strides or dilationRate of 1", got: "\(windows.stride) and \(windows.dilation)")
    }
    guard allowsCausal || windows.padding != .causal else {
      throw layer.failure(.badArgument, expected: "padding valid or same", got: "causal")
    }
  }

  func bias(_ count: Int, _ layer: some Layer, _ dtype: DType, _ random: RandomSource) throws(RecurraError)
    -> Parameter?
  {
    useBias ? try layer.parameter("bias", [count], dtype, biasInitializer, random) : nil
  }

  /// Computes each feature by itself: Σₖ x[t·stride + k·dilation, c] · kernel[k, c, m] at feature c·M + m.
  ///
  /// - Shapes: `windows` [B, T′, K, C], `kernel` [K, C, M]; result [B, T′, C·M].
  static func depthwise(_ windows: Tensor, _ kernel: Tensor) -> Tensor {
    let (shape, size, multiplier) = (windows.shape, kernel.shape[0], kernel.shape[2])
    let ones = [Int](repeating: 1, count: size)
    let (steps, factors) = (windows.split(ones, axis: 2), kernel.split(ones, axis: 0))
    let terms = zip(steps, factors).map { step, factor in
      step.reshaped([shape[0], shape[1], shape[3], 1]) * factor.reshaped([shape[3], multiplier])
    }
    return terms.dropFirst().reduce(terms[0]) { $0 + $1 }.reshaped([shape[0], shape[1], shape[3] * multiplier])
  }
}
