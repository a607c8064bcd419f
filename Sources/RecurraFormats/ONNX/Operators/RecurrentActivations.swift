internal import RecurraTensor

/// The functions of a recurrent node by ONNX' names, with the numbers that they take in turn.
struct RecurrentActivations: Sendable {
  /// The functions of each direction, such as those of gates, candidate and output.
  let functions: [[Activation]]

  init(_ node: ONNXNode, standard: [Activation], directions: Int) throws(RecurraError) {
    var alphas = (try node.numbers("activation_alpha") ?? [])[...]
    var betas = (try node.numbers("activation_beta") ?? [])[...]
    guard let names = try node.texts("activations"), !names.isEmpty else {
      functions = [[Activation]](repeating: standard, count: directions)
      return
    }
    guard names.count == directions * standard.count else {
      throw node.failure(expected: "\(directions * standard.count) activations", got: "\(names.count)")
    }
    var all: [Activation] = []
    for name in names {
      func alpha(_ fallback: Double) -> Double { alphas.popFirst() ?? fallback }
      func beta(_ fallback: Double) -> Double { betas.popFirst() ?? fallback }
      switch name.lowercased() {
      case "relu": all.append(.relu)
      case "tanh": all.append(.tanh)
      case "sigmoid": all.append(.sigmoid)
      case "softsign": all.append(.softsign)
      case "softplus": all.append(.softplus)
      case "elu": all.append(.scaledElu(alpha: alpha(1)))
      case "leakyrelu": all.append(.leakyRelu(negativeSlope: alpha(0.01)))
      case "thresholdedrelu": all.append(.threshold(alpha(1), value: 0))
      case "hardsigmoid": all.append(.clippedLine(alpha: alpha(0.2), beta: beta(0.5)))
      case "scaledtanh": all.append(.scaledTanh(alpha: alpha(1), beta: beta(1)))
      case "affine": all.append(.affine(alpha: alpha(1), beta: beta(0)))
      default:
        throw node.failure(
          expected: "activations among Relu, Tanh, Sigmoid, Softsign, Softplus, Elu, LeakyRelu, ThresholdedRelu, "
            + "HardSigmoid, ScaledTanh, Affine", got: name.excerpt)
      }
    }
    functions = (0..<directions).map { Array(all[($0 * standard.count)..<(($0 + 1) * standard.count)]) }
  }
}
