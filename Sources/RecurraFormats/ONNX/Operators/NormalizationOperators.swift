internal import RecurraLayers
internal import RecurraTensor

extension OperatorTable {
  /// Normalisations.
  static let normalization: [Entry] = [
    Entry("BatchNormalization") { (node) throws(RecurraError) in
      try node.expectInputs(5...5)
      let (epsilon, training) = (try node.number("epsilon", default: 1e-5), try node.flag("training_mode"))
      let momentum = try node.number("momentum", default: 0.9)
      return { (call) throws(RecurraError) in try batchNormalize(call, epsilon, momentum, isTraining: training) }
    },
    Entry("InstanceNormalization") { (node) throws(RecurraError) in
      try node.expectInputs(3...3)
      let epsilon = try node.number("epsilon", default: 1e-5)
      return { (call) throws(RecurraError) in
        let x = try call.tensor(0)
        guard x.rank >= 3, x.count > 0 else { throw call.failure(expected: "x [N, C, …]", got: "\(x.shape)") }
        let normal = normalized(x, axes: Array(2..<x.rank), epsilon)
        let scale = try channel(call, 1, x.shape)
        return [.floats(normal * scale + (try channel(call, 2, x.shape)), try call.value(0).format)]
      }
    },
    Entry("LayerNormalization", since: 17) { (node) throws(RecurraError) in
      try node.expectInputs(2...3)
      let (axis, epsilon) = (try node.integer("axis", default: -1), try node.number("epsilon", default: 1e-5))
      return { (call) throws(RecurraError) in
        let (x, format) = (try call.tensor(0), try call.value(0).format)
        guard x.count > 0 else { return [.floats(x, format)] }
        let axes = Array(try call.axis(axis, rank: x.rank)..<x.rank)
        let mean = x.mean(axes: axes, keepingDimensions: true)
        let centered = x - mean
        let deviation = 1 / (centered.squared.mean(axes: axes, keepingDimensions: true) + epsilon).sqrt()
        var y = centered * deviation
        y = y * (try fitting(call, 1, x))
        if call.optional(2) != nil { y = y + (try fitting(call, 2, x)) }
        return [.floats(y, format), .floats(mean), .floats(deviation)]
      }
    },
    Entry("RMSNormalization", since: 23) { (node) throws(RecurraError) in
      try node.expectInputs(2...2)
      let (axis, epsilon) = (try node.integer("axis", default: -1), try node.number("epsilon", default: 1e-5))
      return { (call) throws(RecurraError) in
        let (x, format) = (try call.tensor(0), try call.value(0).format)
        guard x.count > 0 else { return [.floats(x, format)] }
        let axes = Array(try call.axis(axis, rank: x.rank)..<x.rank)
        let size = (x.squared.mean(axes: axes, keepingDimensions: true) + epsilon).sqrt()
        return [.floats(x / size * (try fitting(call, 1, x)), format)]
      }
    },
    Entry("GroupNormalization", since: 18) { (node) throws(RecurraError) in
      try node.expectInputs(3...3)
      let (epsilon, groups) = (try node.number("epsilon", default: 1e-5), try node.integer("num_groups", default: 1))
      return { (call) throws(RecurraError) in
        let x = try call.tensor(0)
        guard x.rank >= 2, x.count > 0, groups >= 1, x.shape[1] % groups == 0 else {
          throw call.failure(expected: "x [N, C, …] with C in \(groups) groups", got: "\(x.shape)")
        }
        let parts = normalized(x.reshaped([x.shape[0], groups, -1]), axes: [2], epsilon)
        guard call.node.version < 21 else {
          let y = parts.reshaped(x.shape)
          return [
            .floats(y * (try channel(call, 1, x.shape)) + (try channel(call, 2, x.shape)), try call.value(0).format)
          ]
        }
        let (scale, bias) = (try call.tensor(1), try call.tensor(2))
        guard scale.shape == [groups], bias.shape == [groups] else {
          throw call.failure(expected: "scale and bias [\(groups)]", got: "\(scale.shape) and \(bias.shape)")
        }
        let y = parts * scale.reshaped([groups, 1]) + bias.reshaped([groups, 1])
        return [.floats(y.reshaped(x.shape), try call.value(0).format)]
      }
    },
    Entry("LpNormalization") { (node) throws(RecurraError) in
      let (axis, power) = (try node.integer("axis", default: -1), try node.integer("p", default: 2))
      guard power == 1 || power == 2 else { throw node.failure(expected: "p of 1 or 2", got: "\(power)") }
      return { (call) throws(RecurraError) in
        let x = try call.tensor(0)
        let axes = [try call.axis(axis, rank: x.rank)]
        let size =
          power == 1
          ? x.abs().sum(axes: axes, keepingDimensions: true)
          : x.squared.sum(axes: axes, keepingDimensions: true).sqrt()
        let isZero = size.detached.isEqual(to: Tensor(0, dtype: x.dtype))
        let divisor = Tensor.select(isZero, Tensor.ones(size.shape, dtype: x.dtype), size)
        return [.floats(x / divisor, try call.value(0).format)]
      }
    },
    Entry("MeanVarianceNormalization", since: 9) { (node) throws(RecurraError) in
      let wanted = try node.integers("axes") ?? [0, 2, 3]
      return { (call) throws(RecurraError) in
        let x = try call.tensor(0)
        let axes = try call.axes(wanted, rank: x.rank)
        guard x.count > 0 else { return [try call.value(0)] }
        let centered = x - x.mean(axes: axes, keepingDimensions: true)
        let deviation = centered.squared.mean(axes: axes, keepingDimensions: true).sqrt()
        return [.floats(centered / (deviation + 1e-9), try call.value(0).format)]
      }
    },
  ]

  private static func normalized(_ x: Tensor, axes: [Int], _ epsilon: Double) -> Tensor {
    let centered = x - x.mean(axes: axes, keepingDimensions: true)
    return centered / (centered.squared.mean(axes: axes, keepingDimensions: true) + epsilon).sqrt()
  }

  /// A number for each channel, ready to be broadcast to [N, C, …].
  private static func channel(_ call: OperatorCall, _ index: Int, _ shape: [Int]) throws(RecurraError) -> Tensor {
    let tensor = try call.tensor(index)
    guard shape.count >= 2, tensor.shape == [shape[1]] else {
      throw call.failure(expected: "a number for each channel of \(shape) as input \(index)", got: "\(tensor.shape)")
    }
    return tensor.reshaped([shape[1]] + [Int](repeating: 1, count: shape.count - 2))
  }

  /// An input that broadcasts to another's shape.
  private static func fitting(_ call: OperatorCall, _ index: Int, _ x: Tensor) throws(RecurraError) -> Tensor {
    let tensor = try call.tensor(index)
    guard tensor.dtype == x.dtype, try call.broadcast(tensor.shape, x.shape) == x.shape else {
      throw call.failure(expected: "\(x.dtype) numbers that broadcast to \(x.shape)", got: "\(tensor.shape)")
    }
    return tensor
  }

  private static func batchNormalize(
    _ call: OperatorCall, _ epsilon: Double, _ momentum: Double, isTraining: Bool
  ) throws(RecurraError) -> [ONNXValue] {
    let (x, format) = (try call.tensor(0), try call.value(0).format)
    guard x.rank >= 2 else { throw call.failure(expected: "x [N, C, …]", got: "\(x.shape)") }
    let (scale, bias) = (try channel(call, 1, x.shape), try channel(call, 2, x.shape))
    var (mean, variance) = (try channel(call, 3, x.shape), try channel(call, 4, x.shape))
    guard scale.dtype == x.dtype, bias.dtype == x.dtype, mean.dtype == x.dtype, variance.dtype == x.dtype else {
      throw call.failure(expected: "inputs of one type", got: "several")
    }
    guard x.count > 0 else { return [.floats(x, format)] }
    var further: [ONNXValue] = []
    if isTraining {
      let axes = [0] + Array(2..<x.rank)
      let own = x.mean(axes: axes, keepingDimensions: true)
      let spread = (x - own).squared.mean(axes: axes, keepingDimensions: true)
      let count = [x.shape[1]]
      further = [
        .floats(mean.reshaped(count) * momentum + own.reshaped(count) * (1 - momentum)),
        .floats(variance.reshaped(count) * momentum + spread.reshaped(count) * (1 - momentum)),
      ]
      (mean, variance) = (own, spread)
    }
    let factor = scale / (variance + epsilon).sqrt()
    return [.floats((x - mean) * factor + bias, format)] + further
  }
}
