internal import Glibc
internal import RecurraLayers
internal import RecurraTensor

extension OperatorTable {
  /// Sums, means, extrema and norms along axes.
  static let reductions: [Entry] = [
    reduction("ReduceSum", inputSince: 13, { $0.sum(axes: $1, keepingDimensions: $2) }) { $0.reduce(0, &+) },
    reduction("ReduceMean", { $0.mean(axes: $1, keepingDimensions: $2) }) { row in
      row.isEmpty ? 0 : row.reduce(0, &+) / Int64(row.count)
    },
    reduction("ReduceMax", needsElements: true, { $0.max(axes: $1, keepingDimensions: $2) }) { $0.max() ?? 0 },
    reduction("ReduceMin", needsElements: true, { $0.min(axes: $1, keepingDimensions: $2) }) { $0.min() ?? 0 },
    reduction("ReduceProd", { x, axes, keeps in product(x, axes, keeps) }) { $0.reduce(1, &*) },
    reduction("ReduceL1", { $0.abs().sum(axes: $1, keepingDimensions: $2) }) { row in
      row.reduce(0) { $0 &+ ($1 < 0 ? 0 &- $1 : $1) }
    },
    reduction("ReduceL2", { $0.squared.sum(axes: $1, keepingDimensions: $2).sqrt() }) { row in
      Int64(saturating: Double(row.reduce(0) { $0 &+ $1 &* $1 }).squareRoot())
    },
    reduction("ReduceSumSquare", { $0.squared.sum(axes: $1, keepingDimensions: $2) }) { row in
      row.reduce(0) { $0 &+ $1 &* $1 }
    },
    reduction("ReduceLogSum", { $0.sum(axes: $1, keepingDimensions: $2).log() }) { row in
      Int64(saturating: log(Double(row.reduce(0, &+))))
    },
    reduction("ReduceLogSumExp", { x, axes, keeps in logSumExp(x, axes, keeps) }) { row in
      Int64(saturating: log(row.reduce(0) { $0 + exp(Double($1)) }))
    },
  ]

  private static func reduction(
    _ name: String, inputSince: Int = 18, needsElements: Bool = false,
    _ floats: @escaping @Sendable (Tensor, _ axes: [Int], _ keeps: Bool) -> Tensor,
    _ whole: @escaping @Sendable ([Int64]) -> Int64
  ) -> Entry {
    Entry(name) { (node) throws(RecurraError) in
      let (attribute, keeps) = (try node.integers("axes"), try node.flag("keepdims", default: true))
      let leavesAlone = try node.flag("noop_with_empty_axes")
      return { (call) throws(RecurraError) in
        let value = try call.value(0)
        let given = call.node.version < inputSince ? attribute : try call.optionalIntegers(1)
        if given?.isEmpty ?? true, leavesAlone { return [value] }
        let axes =
          given?.isEmpty ?? true ? Array(value.shape.indices) : try call.axes(given ?? [], rank: value.rank)
        let reduced = axes.reduce(1) { $0 * value.shape[$1] }
        guard reduced > 0 || !needsElements || value.format == .bool else {
          throw call.failure(expected: "at least one element", got: "shape \(value.shape)")
        }
        var target = value.shape
        for axis in axes { target[axis] = 1 }
        let shape = keeps ? target : value.shape.indices.filter { !axes.contains($0) }.map { value.shape[$0] }
        try call.require(shape, value.format)
        switch value {
        case .floats(let x, let format):
          if reduced == 0, name == "ReduceMean" { return [.floats(.full(shape, .nan, dtype: x.dtype), format)] }
          return [.floats(floats(x, axes, keeps), format)]
        case .integers(let array):
          let rows = rows(array, axes)
          return [
            .integers(
              IntegerArray(
                rows.map { IntegerArray.wrapped(whole($0), to: array.format) }, shape: shape, format: array.format))
          ]
        }
      }
    }
  }

  /// The elements that become one, for each element of the result.
  private static func rows(_ array: IntegerArray, _ axes: [Int]) -> [[Int64]] {
    let kept = array.shape.indices.filter { !axes.contains($0) }
    let strides = Shape.rowMajorStrides(array.shape)
    let starts = Broadcasting.places(shape: kept.map { array.shape[$0] }, strides: kept.map { strides[$0] }, offset: 0)
    let inner = Broadcasting.places(shape: axes.map { array.shape[$0] }, strides: axes.map { strides[$0] }, offset: 0)
    return starts.map { start in inner.map { array.elements[start + $0] } }
  }

  private static func product(_ x: Tensor, _ axes: [Int], _ keeps: Bool) -> Tensor {
    let kept = x.shape.indices.filter { !axes.contains($0) }
    var shape = x.shape
    for axis in axes { shape[axis] = 1 }
    let target = keeps ? shape : kept.map { x.shape[$0] }
    let count = axes.reduce(1) { $0 * x.shape[$1] }
    guard x.count > 0 else { return .ones(target, dtype: x.dtype) }
    let dense = x.detached.permuted(kept + axes).contiguous.reshaped([-1, count])
    let numbers = ONNXValue.floats(dense).doubles
    let rows = dense.shape[0]
    let products = (0..<rows).map { row in (0..<count).reduce(1.0) { $0 * numbers[row * count + $1] } }
    let result = Tensor(products, shape: target).converted(to: x.dtype)
    let (source, reducedShape) = (x.shape, shape)
    return result.derived(from: [x]) { upstream, _ in
      // The product of the others, from both ends, so that zeros need no division.
      var slopes = [Double](repeating: 1, count: numbers.count)
      for row in 0..<rows {
        var (front, back) = (1.0, 1.0)
        for i in 0..<count {
          slopes[row * count + i] *= front
          front *= numbers[row * count + i]
        }
        for i in (0..<count).reversed() {
          slopes[row * count + i] *= back
          back *= numbers[row * count + i]
        }
      }
      let order = kept + axes
      var back = order
      for (position, axis) in order.enumerated() { back[axis] = position }
      let slope = Tensor(slopes, shape: order.map { source[$0] }).converted(to: upstream.dtype).permuted(back)
      return [slope * upstream.reshaped(reducedShape)]
    }
  }

  private static func logSumExp(_ x: Tensor, _ axes: [Int], _ keeps: Bool) -> Tensor {
    guard x.count > 0 else { return x.exp().sum(axes: axes, keepingDimensions: keeps).log() }
    let largest = x.detached.max(axes: axes, keepingDimensions: true)
    // Where all are −∞ their difference is no number.
    let isFinite = largest.abs().isLess(than: Tensor(.infinity, dtype: x.dtype))
    let shift = Tensor.select(isFinite, largest, Tensor.zeros(largest.shape, dtype: x.dtype))
    let sum = (x - shift).exp().sum(axes: axes, keepingDimensions: true).log() + shift
    guard !keeps else { return sum }
    return sum.reshaped(x.shape.indices.filter { !axes.contains($0) }.map { x.shape[$0] })
  }
}
