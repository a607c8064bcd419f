internal import Glibc
internal import RecurraLayers
internal import RecurraTensor

extension OperatorTable {
  /// Activation functions.
  static let activations: [Entry] = [
    plain("Relu") { $0.relu() },
    plain("Sigmoid") { $0.sigmoid() },
    plain("Tanh") { $0.tanh() },
    plain("Softplus") { $0.softplus() },
    plain("Softsign") { Activation.softsign($0) },
    plain("HardSwish", since: 14) { Activation.hardSilu($0) },
    plain("Mish", since: 18) { Activation.mish($0) },
    numbered("LeakyRelu", [("alpha", 0.01)]) { .leakyRelu(negativeSlope: $0[0]) },
    numbered("Elu", [("alpha", 1)]) { .scaledElu(alpha: $0[0]) },
    numbered("Celu", since: 12, [("alpha", 1)]) { .celu(alpha: $0[0]) },
    numbered("HardSigmoid", [("alpha", 0.2), ("beta", 0.5)]) { .clippedLine(alpha: $0[0], beta: $0[1]) },
    numbered("ThresholdedRelu", since: 10, [("alpha", 1)]) { .threshold($0[0], value: 0) },
    Entry("Selu") { (node) throws(RecurraError) in
      let alpha = try node.number("alpha", default: 1.67326319217681884765625)
      let gamma = try node.number("gamma", default: 1.05070102214813232421875)
      return floating { Activation.scaledElu(alpha: alpha)($0) * gamma }
    },
    Entry("Swish", since: 24) { (node) throws(RecurraError) in
      let alpha = try node.number("alpha", default: 1)
      return floating { $0 * ($0 * alpha).sigmoid() }
    },
    Entry("Gelu", since: 20) { (node) throws(RecurraError) in
      let form = try node.text("approximate", default: "none")
      switch form {
      case "none": return floating { Activation.gelu($0) }
      case "tanh":
        return floating { x in
          let inner = (x + x * x * x * 0.044715) * (2 / Double.pi).squareRoot()
          return x * 0.5 * (inner.tanh() + 1)
        }
      default: throw node.failure(expected: "approximate none or tanh", got: form.excerpt)
      }
    },
    Entry("Shrink", since: 9) { (node) throws(RecurraError) in
      let (bias, bound) = (try node.number("bias", default: 0), try node.number("lambd", default: 0.5))
      return { (call) throws(RecurraError) in
        switch try call.value(0) {
        case .floats(let x, let format):
          let dense = x.detached
          let isOutside = dense.abs().isGreater(than: Tensor(bound, dtype: x.dtype)).converted(to: x.dtype)
          let shifted = dense.mapped { $0 < -bound ? $0 + bias : $0 > bound ? $0 - bias : 0 }
          return [.floats(shifted.derived(from: [x]) { upstream, _ in [upstream * isOutside] }, format)]
        case .integers(let array):
          return [
            .integers(
              array.mapped { element in
                let x = Double(element)
                return Int64(saturating: x < -bound ? x + bias : x > bound ? x - bias : 0)
              })
          ]
        }
      }
    },
    Entry("PRelu", inputs: 2...2) { (call) throws(RecurraError) in
      let (x, slope) = try call.pair()
      guard try call.broadcast(x.shape, slope.shape) == x.shape else {
        throw call.failure(expected: "slopes that broadcast to \(x.shape)", got: "\(slope.shape)")
      }
      let isNegative = x.detached.isLess(than: Tensor(0, dtype: x.dtype))
      return [.floats(Tensor.select(isNegative, x * slope, x), try call.value(0).format)]
    },
    Entry("Softmax") { (node) throws(RecurraError) in try softmax(node) { $0.softmax() } },
    Entry("LogSoftmax") { (node) throws(RecurraError) in try softmax(node) { $0.logSoftmax() } },
    Entry("Hardmax") { (node) throws(RecurraError) in
      try softmax(node) { x in
        let best = x.detached.argMax().expanded(at: -1)
        let columns = Tensor.arange(0, Double(x.shape.last ?? 1), dtype: .int32)
        return best.isEqual(to: columns).converted(to: x.dtype)
      }
    },
    Entry("Dropout") { (node) throws(RecurraError) in try dropout(node) },
  ]

  /// An operator of one floating input.
  static func floating(_ body: @escaping @Sendable (Tensor) -> Tensor) -> OperatorBody {
    { (call) throws(RecurraError) in [.floats(body(try call.tensor(0)), try call.value(0).format)] }
  }

  private static func numbered(
    _ name: String, since: Int = 1, _ numbers: [(String, Double)],
    _ make: @escaping @Sendable ([Double]) -> Activation
  ) -> Entry {
    Entry(name, since: since) { (node) throws(RecurraError) in
      var values: [Double] = []
      for (attribute, standard) in numbers { values.append(try node.number(attribute, default: standard)) }
      let function = make(values)
      return floating { function($0) }
    }
  }

  /// Applies a function along an axis; until version 12 along all from there on, taken as one.
  private static func softmax(
    _ node: ONNXNode, _ body: @escaping @Sendable (Tensor) -> Tensor
  ) throws(RecurraError) -> OperatorBody {
    let isFlat = node.version < 13
    let wanted = try node.integer("axis", default: isFlat ? 1 : -1)
    return { (call) throws(RecurraError) in
      let (x, format) = (try call.tensor(0), try call.value(0).format)
      if isFlat {
        guard wanted >= -x.rank, wanted <= x.rank else {
          throw call.failure(expected: "an axis of \(x.rank)", got: "\(wanted)")
        }
        let axis = wanted < 0 ? wanted + x.rank : wanted
        let width = x.shape[axis...].reduce(1, *)
        guard width > 0, x.count > 0 else { return [.floats(x, format)] }
        return [.floats(body(x.reshaped([x.count / width, width])).reshaped(x.shape), format)]
      }
      guard x.rank > 0 else { throw call.failure(expected: "an axis", got: "a single number") }
      let axis = try call.axis(wanted, rank: x.rank)
      guard x.count > 0 else { return [.floats(x, format)] }
      if axis == x.rank - 1 { return [.floats(body(x), format)] }
      return [.floats(body(x.transposed(axis, -1)).transposed(axis, -1), format)]
    }
  }

  /// Drops numbers while a model is trained, where the file says that it is or the share is an attribute.
  private static func dropout(_ node: ONNXNode) throws(RecurraError) -> OperatorBody {
    let attribute = try node.number("ratio", default: 0.5)
    let stream = node.name.utf8.reduce(0) { ($0 &* 31 &+ Int($1)) & 0xFFFF_FFFF }
    return { (call) throws(RecurraError) in
      let (x, format) = (try call.tensor(0), try call.value(0).format)
      let rate = call.node.version < 12 ? attribute : try call.optional(1) == nil ? 0.5 : call.scalar(1)
      guard rate >= 0, rate < 1 else { throw call.failure(expected: "a ratio in 0..<1", got: "\(rate)") }
      // A graph says itself whether it trains; a model that is trained here trains whatever the graph was exported for.
      let says = try call.optional(2) == nil ? 0 : call.scalar(2)
      let isTraining = call.run.context.isTraining || says != 0
      guard isTraining, rate > 0 else {
        let mask = [Int64](repeating: 1, count: x.count)
        let wantsMask = call.node.wants(1)
        return [.floats(x, format)]
          + (wantsMask ? [.integers(IntegerArray(mask, shape: x.shape, format: .bool))] : [])
      }
      let uniform = RandomSource(seed: 0).stream(stream)
      let context = call.run.context.isTraining ? call.run.context.forSublayer(stream) : nil
      let numbers = context?.uniform(x.shape, dtype: x.dtype) ?? uniform.uniform(x.shape, dtype: x.dtype)
      let kept = numbers.isLess(than: Tensor(1 - rate, dtype: x.dtype))
      return [.floats(x * (kept.converted(to: x.dtype) * (1 / (1 - rate))), format), .truths(kept)]
    }
  }
}
