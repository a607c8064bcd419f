internal import RecurraLayers
internal import RecurraTensor

/// The functions that a list may name.
extension TorchNetwork {
  private static let plain: [String: Activation] = [
    "ReLU": .relu, "Tanh": .tanh, "Sigmoid": .sigmoid, "SiLU": .silu, "Mish": .mish, "SELU": .selu, "ReLU6": .relu6,
    "Softsign": .softsign, "Hardsigmoid": .hardSigmoid, "Hardswish": .hardSilu, "LogSigmoid": .logSigmoid,
    "Tanhshrink": .tanhShrink,
  ]
  /// The classes of functions.
  static let activations =
    Array(plain.keys) + [
      "GELU", "ELU", "CELU", "LeakyReLU", "Softplus", "Hardtanh", "Hardshrink", "Softshrink", "Threshold", "Softmax",
      "LogSoftmax", "PReLU",
    ]

  /// Adds a function.
  mutating func addActivation(_ module: TorchModule) throws(RecurraError) {
    if let function = Self.plain[module.kind] {
      try module.allow()
      return append(ActivationLayer(function))
    }
    let any = -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude
    switch module.kind {
    case "GELU":
      try module.allow("approximate")
      guard try module.string("approximate", default: "none") == "none" else {
        throw module.failure("none as approximate", "another")
      }
      append(ActivationLayer(.gelu))
    case "ELU", "CELU":
      try module.allow("alpha")
      let alpha = try module.number("alpha", default: 1, in: any)
      append(ActivationLayer(module.kind == "CELU" ? .celu(alpha: alpha) : .scaledElu(alpha: alpha)))
    case "LeakyReLU":
      try module.allow("negative_slope")
      append(ActivationLayer(.leakyRelu(negativeSlope: try module.number("negative_slope", default: 0.01, in: any))))
    case "Hardshrink", "Softshrink":
      try module.allow("lambd")
      let threshold = try module.number("lambd", default: 0.5, in: any)
      append(
        ActivationLayer(
          module.kind == "Hardshrink" ? .hardShrink(threshold: threshold) : .softShrink(threshold: threshold)))
    case "Threshold":
      try module.allow("threshold", "value")
      guard module.value("threshold") != nil, module.value("value") != nil else {
        throw module.failure("threshold and value", "fewer")
      }
      append(
        ActivationLayer(
          .threshold(
            try module.number("threshold", default: 0, in: any), value: try module.number("value", default: 0, in: any))
        ))
    case "Softplus":
      try module.allow("beta", "threshold")
      // Beyond 20 the logarithm is the number itself, to the last bit of float32.
      guard try module.number("beta", default: 1, in: any) == 1,
        try module.number("threshold", default: 20, in: any) >= 20
      else { throw module.failure("beta 1 and a threshold of at least 20", "others") }
      append(ActivationLayer(.softplus))
    case "Hardtanh":
      try module.allow("min_val", "max_val")
      guard try module.number("min_val", default: -1, in: any) == -1,
        try module.number("max_val", default: 1, in: any) == 1
      else { throw module.failure("min_val -1 and max_val 1", "others") }
      append(ActivationLayer(.hardTanh))
    case "Softmax", "LogSoftmax": try addSoftmax(module)
    case "PReLU": try addPReLU(module)
    default:
      let known = TorchRecurrent.kinds + ["Embedding", "Linear", "Conv1d", "LayerNorm", "BatchNorm1d", "Dropout"]
      throw module.failure(
        "a module among \((known + ["take_last", "take_mean"] + Self.activations.sorted()).joined(separator: ", "))",
        module.kind.excerpt)
    }
  }

  private mutating func addSoftmax(_ module: TorchModule) throws(RecurraError) {
    try module.allow("dim")
    // What PyTorch takes where nothing is said.
    let standard = form == .row ? 1 : 0
    let dim = try module.integer("dim", default: standard, in: -3...2)
    guard let axis = axis(dim) else { throw module.failure("a dim that is not the batch", "\(dim)") }
    let isLast = axis == (form == .row ? 1 : 2)
    if module.kind == "Softmax" {
      append(isLast ? ActivationLayer(.softmax) : Softmax(axis: axis))
    } else {
      guard isLast else { throw module.failure("the dim of the features", "\(dim), that of the timesteps") }
      append(ActivationLayer(.logSoftmax))
    }
  }

  private mutating func addPReLU(_ module: TorchModule) throws(RecurraError) {
    try module.allow("num_parameters", "init")
    _ = try module.number("init", default: 0.25, in: -1e30...1e30)
    let count = try module.integer("num_parameters", default: 1, in: 1...Int(Int32.max))
    if count > 1 { try expect(count, "num_parameters", module) }
    let isSequence = form == .sequence
    let shared: [Int] = (isSequence ? [1] : []) + (count == 1 ? [isSequence ? 2 : 1] : [])
    let layer = PReLU(sharedAxes: shared)
    let own: [Int] = isSequence ? [1, count] : [count]
    append(
      TorchPart(
        tensors: [(module.tensorName("weight"), [count])], layer: layer,
        weights: { list in list.map { $0.reshaped(own) } }, stored: { list in list.map { $0.reshaped([count]) } }),
      module.prefix.isEmpty ? "prelu" : module.prefix)
  }
}
