internal import RecurraTensor

/// Operations that take axes away, and those that move numbers without changing them.
extension OperationRule {
  private static func reduction(
    _ function: @escaping @Sendable (Tensor, _ axes: [Int], _ keeps: Bool) -> Tensor
  ) -> OperationRule {
    OperationRule { call throws(RecurraError) in
      let shape = try call.shape(0, "x")
      let axes = Set(try call.axes(rank: shape.count))
      if call.flag("keepdims") { return shape.indices.map { axes.contains($0) ? 1 : shape[$0] } }
      return shape.indices.filter { !axes.contains($0) }.map { shape[$0] }
    } compute: { call throws(RecurraError) in
      let x = try call.tensor(0, "x")
      let axes = try call.axes(rank: x.rank)
      guard x.count > 0 else { throw call.failure(expected: "numbers", got: "shape \(x.shape)") }
      return function(x, axes, call.flag("keepdims"))
    }
  }

  static let reductions: [String: OperationRule] = [
    "Sum": reduction { $0.sum(axes: $1, keepingDimensions: $2) },
    "Mean": reduction { ($0.dtype.isFloating ? $0 : $0.converted(to: .float32)).mean(axes: $1, keepingDimensions: $2) },
    "Max": reduction { $0.max(axes: $1, keepingDimensions: $2) },
    "Min": reduction { $0.min(axes: $1, keepingDimensions: $2) },
    "Var": reduction { $0.variance(axes: $1, keepingDimensions: $2) },
    "Std": reduction { $0.variance(axes: $1, keepingDimensions: $2).sqrt() },
    "Argmax": OperationRule { call throws(RecurraError) in
      var shape = try call.shape(0, "x")
      let axis = try call.oneAxis(rank: shape.count)
      if call.flag("keepdims") { shape[axis] = 1 } else { shape.remove(at: axis) }
      return shape
    } compute: { call throws(RecurraError) in
      let x = try call.tensor(0, "x")
      let axis = try call.oneAxis(rank: x.rank)
      return call.flag("keepdims") ? x.argMax(axis: axis).expanded(at: axis) : x.argMax(axis: axis)
    },
  ]

  static let shapes: [String: OperationRule] = [
    "Reshape": OperationRule(shape: reshaped) { call throws(RecurraError) in
      let x = try call.tensor(0, "x")
      return x.reshaped(try reshaped(call).compactMap { $0 })
    },
    "Transpose": OperationRule { call throws(RecurraError) in
      let shape = try call.shape(0, "x")
      return try order(call, shape.count).map { shape[$0] }
    } compute: { call throws(RecurraError) in
      let x = try call.tensor(0, "x")
      return x.permuted(try order(call, x.rank))
    },
    "Swapaxes": OperationRule { call throws(RecurraError) in
      var shape = try call.shape(0, "x")
      let (first, second) = (
        try call.oneAxis("axis1", rank: shape.count), try call.oneAxis("axis2", rank: shape.count)
      )
      shape.swapAt(first, second)
      return shape
    } compute: { call throws(RecurraError) in
      let x = try call.tensor(0, "x")
      return x.transposed(try call.oneAxis("axis1", rank: x.rank), try call.oneAxis("axis2", rank: x.rank))
    },
    "ExpandDims": OperationRule { call throws(RecurraError) in
      var shape = try call.shape(0, "x")
      shape.insert(1, at: try call.oneAxis(rank: shape.count + 1))
      return shape
    } compute: { call throws(RecurraError) in
      let x = try call.tensor(0, "x")
      return x.expanded(at: try call.oneAxis(rank: x.rank + 1))
    },
    "Squeeze": OperationRule { call throws(RecurraError) in
      let shape = try call.shape(0, "x")
      let axes = try squeezed(call, shape)
      return shape.indices.filter { !axes.contains($0) }.map { shape[$0] }
    } compute: { call throws(RecurraError) in
      let x = try call.tensor(0, "x")
      let axes = try squeezed(call, x.shape.map { Optional($0) })
      return x.reshaped(x.shape.indices.filter { !axes.contains($0) }.map { x.shape[$0] })
    },
    "Concatenate": OperationRule { call throws(RecurraError) in
      let shapes = try parts(call).map { (part) throws(RecurraError) in try call.shape(part) }
      var result = shapes[0]
      let axis = try call.oneAxis(rank: result.count, default: 0)
      for shape in shapes.dropFirst() {
        guard shape.count == result.count else {
          throw call.failure(expected: "as many axes each", got: shapes.map { text(of: $0) }.joined(separator: " and "))
        }
        for place in shape.indices where place != axis {
          guard result[place] == nil || shape[place] == nil || result[place] == shape[place] else {
            throw call.failure(
              expected: "equal extents besides axis \(axis)",
              got: shapes.map { text(of: $0) }.joined(separator: " and "))
          }
          result[place] = result[place] ?? shape[place]
        }
        if let own = result[axis], let other = shape[axis] { result[axis] = own + other } else { result[axis] = nil }
      }
      return result
    } compute: { call throws(RecurraError) in
      let tensors = try parts(call).map { (part) throws(RecurraError) in try call.tensor(part) }
      return Tensor.concatenated(tensors, axis: try call.oneAxis(rank: tensors[0].rank, default: 0))
    },
    "Stack": OperationRule { call throws(RecurraError) in
      let shapes = try parts(call).map { (part) throws(RecurraError) in try call.shape(part) }
      guard var shape = commonShape(shapes) else {
        throw call.failure(expected: "equal shapes", got: shapes.map { text(of: $0) }.joined(separator: " and "))
      }
      shape.insert(shapes.count, at: try call.oneAxis(rank: shape.count + 1, default: 0))
      return shape
    } compute: { call throws(RecurraError) in
      let tensors = try parts(call).map { (part) throws(RecurraError) in try call.tensor(part) }
      return Tensor.stacked(tensors, axis: try call.oneAxis(rank: tensors[0].rank + 1, default: 0))
    },
    "GetItem": OperationRule { call throws(RecurraError) in
      try TensorIndex(call, try call.shape(0, "x")).shape
    } compute: { call throws(RecurraError) in
      let x = try call.tensor(0, "x")
      return try TensorIndex(call, x.shape.map { Optional($0) }).part(of: x)
    },
  ]

  /// The tensors of a list.
  private static func parts(_ call: OperationCall) throws(RecurraError) -> [OperationArgument] {
    let parts = call.argument(0, "xs")?.elements ?? []
    guard !parts.isEmpty else { throw call.failure(expected: "tensors", got: "none") }
    return parts
  }

  private static func order(_ call: OperationCall, _ rank: Int) throws(RecurraError) -> [Int] {
    guard let setting = call.setting("axes", at: 1) else { return (0..<rank).reversed() }
    let order = setting.wholeNumbers ?? []
    guard order.sorted() == Array(0..<rank) else {
      throw call.failure(expected: "each of \(rank) axes once", got: "\(order)")
    }
    return order
  }

  private static func squeezed(_ call: OperationCall, _ shape: [Int?]) throws(RecurraError) -> Set<Int> {
    guard call.setting("axis") != nil else { return Set(shape.indices.filter { shape[$0] == 1 }) }
    let axes = try call.axes(rank: shape.count)
    for axis in axes where shape[axis] != nil && shape[axis] != 1 {
      throw call.failure(expected: "an extent of 1 at axis \(axis)", got: text(of: shape))
    }
    return Set(axes)
  }

  /// The shape that a reshaping asks for; −1 stands for what is left over.
  @Sendable private static func reshaped(_ call: OperationCall) throws(RecurraError) -> [Int?] {
    let shape = try call.shape(0, "x")
    guard let asked = call.setting("newshape", at: 1)?.wholeNumbers, asked.filter({ $0 == -1 }).count <= 1,
      asked.allSatisfy({ $0 >= -1 })
    else { throw call.failure(expected: "extents, with one −1 at most", got: "others") }
    let known = MemoryLimit.bytes(asked.filter { $0 >= 0 })
    guard shape.allSatisfy({ $0 != nil }) else { return asked.map { $0 < 0 ? nil : $0 } }
    let count = MemoryLimit.bytes(shape.map { $0 ?? 0 })
    let isWhole = asked.contains(-1) ? known > 0 && count % known == 0 : count == known
    guard isWhole else { throw call.failure(expected: "\(count) elements", got: "shape \(asked)") }
    return asked.map { $0 < 0 ? count / known : $0 }
  }
}
