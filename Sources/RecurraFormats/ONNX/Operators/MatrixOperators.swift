internal import RecurraLayers
internal import RecurraTensor

extension OperatorTable {
  /// Products of matrices.
  static let matrices: [Entry] = [
    Entry("MatMul") { (node) throws(RecurraError) in
      try node.expectInputs(2...2)
      let packed = PackedProduct()
      return { (call) throws(RecurraError) in
        if case .integers(let a) = try call.value(0) { return [try product(call, a, call.array(1))] }
        let (a, b) = try call.pair()
        return [.floats(try product(call, a, b, packed), try call.value(0).format)]
      }
    },
    Entry("Gemm", gemm),
    Entry("Einsum", since: 12, einsum),
    Entry("Det", since: 11) { (node) throws(RecurraError) in
      { (call) throws(RecurraError) in
        let x = try call.tensor(0)
        guard x.rank >= 2, x.shape[x.rank - 1] == x.shape[x.rank - 2] else {
          throw call.failure(expected: "square matrices", got: "\(x.shape)")
        }
        return [.floats(x.determinant(), try call.value(0).format)]
      }
    },
  ]

  /// The shape of a product of matrices, where the vectors of NumPy's rules have been made matrices.
  private static func shapes(
    _ call: OperatorCall, _ a: [Int], _ b: [Int]
  ) throws(RecurraError) -> (a: [Int], b: [Int], result: [Int]) {
    func failure() -> RecurraError {
      call.failure(expected: "shapes [… M, K] and [… K, N]", got: "\(Shape.text(a)) and \(Shape.text(b))")
    }
    guard !a.isEmpty, !b.isEmpty else { throw failure() }
    let left = a.count == 1 ? [1] + a : a
    let right = b.count == 1 ? b + [1] : b
    guard left[left.count - 1] == right[right.count - 2] else { throw failure() }
    let batch = try call.broadcast(Array(left.dropLast(2)), Array(right.dropLast(2)))
    try call.require(batch + [left[left.count - 2], right[right.count - 1]])
    let rows = a.count == 1 ? [] : [left[left.count - 2]]
    let columns = b.count == 1 ? [] : [right[right.count - 1]]
    return (left, right, batch + rows + columns)
  }

  /// Multiplies as NumPy's matmul; by a weight in the kernels' own layout, into which it is brought once.
  static func product(
    _ call: OperatorCall, _ a: Tensor, _ b: Tensor, _ packed: PackedProduct, second: Int = 1
  ) throws(RecurraError) -> Tensor {
    let (left, right, result) = try shapes(call, a.shape, b.shape)
    if let version = call.version(second), b.rank == 2, a.rank >= 2, a.dtype == .float32, a.count > 0, b.count > 0 {
      return packed(a, b, version: version, adding: nil)
    }
    if a.count == 0 || b.count == 0 { return .zeros(result, dtype: a.dtype) }
    return a.reshaped(left).matrixProduct(b.reshaped(right)).reshaped(result)
  }

  /// Multiplies whole numbers; sums wrap around in the type.
  static func product(
    _ call: OperatorCall, _ a: IntegerArray, _ b: IntegerArray, as format: ElementFormat? = nil
  ) throws(RecurraError) -> ONNXValue {
    guard format != nil || a.format == b.format else {
      throw call.failure(expected: "inputs of one type", got: "\(a.format.rawValue) and \(b.format.rawValue)")
    }
    let (left, right, result) = try shapes(call, a.shape, b.shape)
    let (rows, depth, columns) = (left[left.count - 2], left[left.count - 1], right[right.count - 1])
    let batch = try call.broadcast(Array(left.dropLast(2)), Array(right.dropLast(2)))
    let first = Broadcasting.places(of: Array(left.dropLast(2)), in: batch)
    let second = Broadcasting.places(of: Array(right.dropLast(2)), in: batch)
    var elements: [Int64] = []
    elements.reserveCapacity(result.reduce(1, *))
    for matrix in first.indices {
      let (p, q) = (first[matrix] * rows * depth, second[matrix] * depth * columns)
      for row in 0..<rows {
        var sums = [Int64](repeating: 0, count: columns)
        for k in 0..<depth {
          let factor = a.elements[p + row * depth + k]
          guard factor != 0 else { continue }
          for column in 0..<columns { sums[column] &+= factor &* b.elements[q + k * columns + column] }
        }
        elements += sums.map { IntegerArray.wrapped($0, to: format ?? a.format) }
      }
    }
    return .integers(IntegerArray(elements, shape: result, format: format ?? a.format))
  }

  /// α · A′ · B′ + β · C.
  private static func gemm(_ node: ONNXNode) throws(RecurraError) -> OperatorBody {
    try node.expectInputs(2...3)
    let (alpha, beta) = (try node.number("alpha", default: 1), try node.number("beta", default: 1))
    let (turnsA, turnsB) = (try node.flag("transA"), try node.flag("transB"))
    let (packed, turned) = (PackedProduct(), TurnedWeights())
    return { (call) throws(RecurraError) in
      var (a, b) = try call.pair()
      let weights = b
      guard a.rank == 2, b.rank == 2 else {
        throw call.failure(expected: "two matrices", got: "\(a.shape) and \(b.shape)")
      }
      if turnsA { a = a.transposed() }
      if turnsB { b = b.transposed() }
      let c = try call.optionalTensor(2)
      let target = [a.shape[0], b.shape[1]]
      if let c {
        guard c.dtype == a.dtype, try call.broadcast(c.shape, target) == target else {
          throw call.failure(expected: "\(a.dtype) C that broadcasts to \(target)", got: "\(c.dtype) \(c.shape)")
        }
      }
      let format = try call.value(0).format
      if alpha == 1, let version = call.version(1), a.dtype == .float32, a.shape[1] == b.shape[0], a.count > 0,
        b.count > 0, c == nil || (beta == 1 && c?.shape == [target[1]])
      {
        let result =
          turnsB
          ? turned(a, weights, version: version, adding: c) : packed(a, b, version: version, adding: c)
        return [.floats(result, format)]
      }
      var result = try product(call, a, b, packed)
      if alpha != 1 { result = result * alpha }
      if let c { result = result + (beta == 1 ? c : c * beta) }
      return [.floats(result, format)]
    }
  }
}
