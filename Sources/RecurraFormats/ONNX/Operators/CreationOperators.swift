internal import RecurraLayers
internal import RecurraTensor

extension OperatorTable {
  /// Arrays made of nothing but shapes and bounds.
  static let creation: [Entry] = [
    Entry("ConstantOfShape", since: 9) { (node) throws(RecurraError) in
      try node.expectInputs(1...1)
      let value = try node.tensor("value") ?? .floats(Tensor.zeros([1]))
      guard value.count == 1 else { throw node.failure(expected: "a value of one number", got: "\(value.shape)") }
      return { (call) throws(RecurraError) in
        let shape = try call.integers(0)
        guard shape.count <= 64 else { throw call.failure(expected: "at most 64 axes", got: "\(shape.count)") }
        try call.require(shape, value.format)
        switch value {
        case .floats(let tensor, let format):
          return [.floats(tensor.reshaped([]).stretched(to: shape), format)]
        case .integers(let array):
          let elements = [Int64](repeating: array.elements[0], count: shape.reduce(1, *))
          return [.integers(IntegerArray(elements, shape: shape, format: array.format))]
        }
      }
    },
    Entry("Range", since: 11, inputs: 3...3) { (call) throws(RecurraError) in
      let (start, limit, step) = (try call.scalar(0), try call.scalar(1), try call.scalar(2))
      guard step != 0, start.isFinite, limit.isFinite, step.isFinite else {
        throw call.failure(expected: "finite bounds and a step that is not 0", got: "\(start), \(limit), \(step)")
      }
      let count = max(0, ((limit - start) / step).rounded(.up))
      guard count < 0x1p31 else { throw call.failure(.outOfMemory, expected: "fewer numbers", got: "\(count)") }
      let format = try call.value(0).format
      try call.require([Int(count)], format)
      guard format.isFloating else {
        let (first, by) = (Int64(saturating: start), Int64(saturating: step))
        return [
          .integers(IntegerArray((0..<Int64(count)).map { first &+ $0 &* by }, shape: [Int(count)], format: format))
        ]
      }
      let numbers = (0..<Int(count)).map { start + Double($0) * step }
      return [.floats(Tensor(numbers).converted(to: format.dtype), format)]
    },
    Entry("EyeLike", since: 9) { (node) throws(RecurraError) in
      let (diagonal, code) = (try node.integer("k", default: 0), try node.integer("dtype"))
      return { (call) throws(RecurraError) in
        let value = try call.value(0)
        guard value.rank == 2 else { throw call.failure(expected: "a matrix", got: "\(value.shape)") }
        let format = try code.map { (code) throws(RecurraError) in try elementType(call.node, code) } ?? value.format
        let columns = value.shape[1]
        let elements = (0..<value.count).map { place in
          Int64((place % columns).subtractingReportingOverflow(place / columns).partialValue == diagonal ? 1 : 0)
        }
        let array = IntegerArray(elements, shape: value.shape, format: format.isFloating ? .int64 : format)
        return [format.isFloating ? .floats(array.floats(format.dtype), format) : .integers(array)]
      }
    },
    // Random numbers of a graph are those of a seed of its own: a run gives the same ones every time.
    random("RandomUniformLike") { $0.uniform($1) }, random("RandomNormalLike") { $0.normal($1) },
  ]

  private static func random(
    _ name: String, _ draw: @escaping @Sendable (RandomSource, [Int]) -> Tensor
  ) -> Entry {
    Entry(name) { (node) throws(RecurraError) in
      let isNormal = name == "RandomNormalLike"
      let low = try node.number(isNormal ? "mean" : "low", default: 0)
      let high = try node.number(isNormal ? "scale" : "high", default: 1)
      let seed = UInt64(try node.number("seed", default: 0).bitPattern)
      return { (call) throws(RecurraError) in
        let shape = try call.value(0).shape
        let numbers = draw(RandomSource(seed: seed), shape)
        return [.floats(numbers * (isNormal ? high : high - low) + low)]
      }
    }
  }
}
