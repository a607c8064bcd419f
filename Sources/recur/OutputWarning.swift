internal import Recurra
internal import RecurraTraining

/// Tells people when a model's outputs can never be what its loss takes them for; training would go on to nonsense.
enum OutputWarning {
  /// What is wrong with a built model of one output, its loss and targets; mostly nothing.
  static func all(of model: any Network, losses: [Loss], targets: Tensor) -> [String] {
    guard losses.count == 1, let (layer, activation) = lastActivation(of: model) else { return [] }
    let loss = losses[0]
    let end = activation == .linear ? layer : "\(layer) with \(activation.rawValue)"
    let shapes = model.inputShapes.flatMap { try? model.outputShapes(for: $0) }
    let width = shapes?.first?.last ?? nil
    if activation == .softmax, width == 1 {
      return ["the model ends in \(end) over a single unit, whose output is always 1: take sigmoid, or more units"]
    }
    if let problem = loss.mismatch(lastActivation: nil, width: width) { return [problem] }
    let range = activation.range
    if let problem = loss.mismatch(lastActivation: activation) {
      // A loss from logits, which only a program can have chosen.
      if range.lowerBound >= 0, range.upperBound <= 1 { return [problem] }
      let remedy = loss.name.hasPrefix("binary") ? "sigmoid" : "softmax"
      return [
        """
        \(loss.name) takes probabilities, but the model ends in \(end), whose outputs are \(text(range)): end it in \
        Dense with \(remedy), or train with --loss mean_squared_error
        """
      ]
    }
    guard !loss.name.hasSuffix("crossentropy") else { return [] }
    let numbers = targets.converted(to: .float64).scalars(as: Double.self).filter(\.isFinite)
    guard let least = numbers.min(), let most = numbers.max(), !range.contains(least) || !range.contains(most) else {
      return []
    }
    return [
      """
      \(loss.name) compares with targets from \(Float(least)) to \(Float(most)), but the model ends in \(end), whose \
      outputs are \(text(range)): end it in Dense with linear, or scale the targets
      """
    ]
  }

  private static func text(_ range: ClosedRange<Double>) -> String {
    let (lower, upper) = (text(range.lowerBound), text(range.upperBound))
    return switch (range.lowerBound.isFinite, range.upperBound.isFinite) {
    case (true, true): "in \(lower)…\(upper)"
    case (true, false): "\(lower) or more"
    case (false, true): "\(upper) or less"
    case (false, false): "any numbers"
    }
  }

  private static func text(_ bound: Double) -> String { Console.decimal(bound, 0).replacing("-", with: "−") }

  /// The last layer that decides what the outputs can be, and its activation.
  private static func lastActivation(of model: any Network) -> (layer: String, activation: Activation)? {
    for (name, layer) in zip(model.layerNames, model.layers).reversed() {
      switch type(of: layer).typeName {
      case Dropout.typeName, Flatten.typeName: continue
      default: return activation(of: layer).map { (name, $0) }
      }
    }
    return nil
  }

  private static func activation(of layer: any Layer) -> Activation? {
    if let model = layer.network { return lastActivation(of: model)?.activation }
    if case .string(let name)? = layer.configuration["activation"] { return Activation(rawValue: name) }
    // What wraps layers gives out what the last of them does.
    if let wrapped = layer.sublayers.last { return activation(of: wrapped.layer) }
    return .linear
  }
}

extension Activation {
  /// What the function's values lie between.
  fileprivate var range: ClosedRange<Double> {
    switch self {
    case .sigmoid, .hardSigmoid, .softmax, .sparsemax, .sparseSigmoid, .clippedLine: 0...1
    case .tanh, .softsign, .hardTanh: -1...1
    case .relu6: 0...6
    case .relu, .softplus, .exponential, .sparsePlus, .squareplus: 0...(.infinity)
    case .elu: -1...(.infinity)
    case .selu: -1.7582...(.infinity)
    case .silu: -0.2785...(.infinity)
    case .hardSilu: -0.375...(.infinity)
    case .gelu: -0.17...(.infinity)
    case .mish: -0.3089...(.infinity)
    case .scaledTanh(let alpha, _): -abs(alpha)...abs(alpha)
    case .logSoftmax, .logSigmoid: -(.infinity)...0
    default: -(.infinity)...(.infinity)
    }
  }
}
