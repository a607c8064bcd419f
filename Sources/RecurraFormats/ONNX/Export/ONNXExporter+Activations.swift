internal import RecurraTensor

/// The functions of layers and cells, in operators.
extension ONNXExporter {
  /// Applies a function to every number, or along the last axis.
  mutating func apply(_ function: Activation, _ x: String) throws(RecurraError) -> String {
    switch function {
    case .linear: return x
    case .relu: return graph.node("Relu", [x])
    case .sigmoid: return graph.node("Sigmoid", [x])
    case .tanh: return graph.node("Tanh", [x])
    case .softsign: return graph.node("Softsign", [x])
    case .softplus: return graph.node("Softplus", [x])
    case .exponential: return graph.node("Exp", [x])
    case .softmax: return graph.node("Softmax", [x], [("axis", .integer(-1))])
    case .logSoftmax: return graph.node("LogSoftmax", [x], [("axis", .integer(-1))])
    case .relu6: return clip(x, 0, 6)
    case .hardTanh: return clip(x, -1, 1)
    case .hardSigmoid: return line(x, 1 / 6, 0.5)
    case .sparseSigmoid: return line(x, 0.5, 0.5)
    case .clippedLine(let alpha, let beta): return line(x, alpha, beta)
    case .elu: return scaledElu(x, 1)
    case .scaledElu(let alpha): return scaledElu(x, alpha)
    case .selu: return multiply(scaledElu(x, 1.6732632423543772), 1.0507009873554805)
    case .celu(let alpha): return celu(x, alpha)
    case .leakyRelu(let slope):
      return choose(graph.node("Less", [x, graph.scalar(0)]), multiply(x, slope), x)
    case .silu: return graph.node("Mul", [x, graph.node("Sigmoid", [x])])
    case .hardSilu: return graph.node("Mul", [x, line(x, 1 / 6, 0.5)])
    case .mish: return graph.node("Mul", [x, graph.node("Tanh", [graph.node("Softplus", [x])])])
    case .gelu:
      let error = graph.node("Erf", [multiply(x, 0.7071067811865476)])
      return graph.node("Mul", [multiply(x, 0.5), add(error, 1)])
    case .logSigmoid: return graph.node("Neg", [graph.node("Softplus", [graph.node("Neg", [x])])])
    case .tanhShrink: return graph.node("Sub", [x, graph.node("Tanh", [x])])
    case .sparsePlus:
      let line = clip(add(x, 1), 0, 2)
      let square = multiply(graph.node("Mul", [line, line]), 0.25)
      return choose(graph.node("Greater", [x, graph.scalar(1)]), x, square)
    case .hardShrink(let threshold):
      let isLarge = graph.node("Greater", [graph.node("Abs", [x]), graph.scalar(threshold)])
      return choose(isLarge, x, graph.scalar(0))
    case .softShrink(let threshold):
      return graph.node("Sub", [x, clip(x, -threshold, threshold)])
    case .squareplus(let b):
      let root = graph.node("Sqrt", [add(graph.node("Mul", [x, x]), b)])
      return multiply(graph.node("Add", [x, root]), 0.5)
    case .threshold(let threshold, let value):
      return choose(graph.node("Greater", [x, graph.scalar(threshold)]), x, graph.scalar(value))
    case .scaledTanh(let alpha, let beta): return multiply(graph.node("Tanh", [multiply(x, beta)]), alpha)
    case .affine(let alpha, let beta): return add(multiply(x, alpha), beta)
    case .sparsemax: throw failure("a function that ONNX' operators can say", function.rawValue)
    }
  }

  mutating func multiply(_ x: String, _ factor: Double) -> String { graph.node("Mul", [x, graph.scalar(factor)]) }
  mutating func add(_ x: String, _ term: Double) -> String { graph.node("Add", [x, graph.scalar(term)]) }
  mutating func clip(_ x: String, _ least: Double, _ most: Double) -> String {
    graph.node("Clip", [x, graph.scalar(least), graph.scalar(most)])
  }
  mutating func choose(_ condition: String, _ x: String, _ y: String) -> String {
    graph.node("Where", [condition, x, y])
  }
  private mutating func line(_ x: String, _ alpha: Double, _ beta: Double) -> String {
    clip(add(multiply(x, alpha), beta), 0, 1)
  }
  private mutating func scaledElu(_ x: String, _ alpha: Double) -> String {
    // What is chosen from is computed on both sides, so the exponential sees no large number.
    let below = multiply(add(graph.node("Exp", [graph.node("Min", [x, graph.scalar(0)])]), -1), alpha)
    return choose(graph.node("Greater", [x, graph.scalar(0)]), x, below)
  }
  private mutating func celu(_ x: String, _ alpha: Double) -> String {
    let low = multiply(graph.node("Min", [x, graph.scalar(0)]), 1 / alpha)
    let below = multiply(add(graph.node("Exp", [low]), -1), alpha)
    return choose(graph.node("Greater", [x, graph.scalar(0)]), x, below)
  }
}
