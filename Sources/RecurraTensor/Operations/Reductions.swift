/// Sums, means and extrema along axes. Sums of float32 are formed in double precision, in a fixed order; each is one
/// pass.
///
/// The result lacks the axes, or has them with extent 1 when dimensions are kept. Negative axes count from the end.
extension Tensor {
  /// Adds up the elements along `axes`, all of them when left out; int32 wraps around.
  ///
  /// - Precondition: axes that are there.
  public func sum(axes: [Int]? = nil, keepingDimensions: Bool = false) -> Tensor {
    let plan = ReductionPlan(self, axes, keepingDimensions, "sum")
    let value = dtype == .int32 ? detached.sumIntegers(plan) : detached.sumFloating(plan)
    return value.derived(from: [self]) { upstream, _ in [plan.spread(upstream)] }
  }

  /// Computes the arithmetic mean along `axes`, all of them when left out.
  ///
  /// - Precondition: a floating tensor with at least one element along axes that are there.
  public func mean(axes: [Int]? = nil, keepingDimensions: Bool = false) -> Tensor {
    let count = ReductionPlan(self, axes, keepingDimensions, "mean").reducedCount
    check(count > 0, "mean", expected: "at least one element", got: "shape \(shape)")
    return sum(axes: axes, keepingDimensions: keepingDimensions) / Double(count)
  }

  /// Computes the mean of the squared distances from the mean along `axes` (division by N, as NumPy and Keras do).
  ///
  /// - Precondition: a floating tensor with at least one element along axes that are there.
  public func variance(axes: [Int]? = nil, keepingDimensions: Bool = false) -> Tensor {
    let centered = self - mean(axes: axes, keepingDimensions: true)
    return centered.squared.mean(axes: axes, keepingDimensions: keepingDimensions)
  }

  /// Finds the largest element along `axes`; NaN if there is one. Equal maxima share the gradient.
  ///
  /// - Precondition: at least one element along axes that are there.
  public func max(axes: [Int]? = nil, keepingDimensions: Bool = false) -> Tensor {
    extremum(axes, keepingDimensions, "max", Functions.Maximum.self)
  }

  /// Finds the smallest element along `axes`; NaN if there is one. Equal minima share the gradient.
  ///
  /// - Precondition: at least one element along axes that are there.
  public func min(axes: [Int]? = nil, keepingDimensions: Bool = false) -> Tensor {
    extremum(axes, keepingDimensions, "min", Functions.Minimum.self)
  }

  /// Finds the index of the largest element along `axis`, the first of equal ones, as int32; NaN counts as the largest.
  ///
  /// - Precondition: at least one element along an axis that is there.
  public func argMax(axis: Int = -1) -> Tensor {
    let plan = ReductionPlan(self, [axis], false, "argMax")
    check(plan.reducedCount > 0, "argMax", expected: "at least one element", got: "shape \(shape)")
    func find<S: TensorScalar>(_ type: S.Type) -> Tensor {
      plan.reduce(detached, of: S.self) { (row: UnsafePointer<S>, count) -> Int32 in
        var best = 0
        for i in 1..<Swift.max(count, 1) where !(row[best] != row[best]) && (row[i] > row[best] || row[i] != row[i]) {
          best = i
        }
        return Int32(best)
      }
    }
    switch dtype.representation {
    case .float32: return find(Float.self)
    case .float64: return find(Double.self)
    case .int32: return find(Int32.self)
    }
  }

  private func sumFloating(_ plan: ReductionPlan) -> Tensor {
    func add<S: FloatingScalar>(_ type: S.Type) -> Tensor {
      if let columns = plan.leadingColumns, isContiguous { return sumColumns(plan, columns, S.self) }
      return plan.reduce(self, of: S.self) { (row: UnsafePointer<S>, count) -> S in
        // Four chains, always the same ones: fast, and the same bits every time.
        var sums = (0.0, 0.0, 0.0, 0.0)
        var i = 0
        while i + 4 <= count {
          sums.0 += Double(row[i])
          sums.1 += Double(row[i + 1])
          sums.2 += Double(row[i + 2])
          sums.3 += Double(row[i + 3])
          i += 4
        }
        while i < count {
          sums.0 += Double(row[i])
          i += 1
        }
        return S((sums.0 + sums.1) + (sums.2 + sums.3))
      }
    }
    return dtype == .float32 ? add(Float.self) : add(Double.self)
  }

  /// Adds rows up without transposing: the usual form of a bias gradient.
  private func sumColumns<S: FloatingScalar>(_ plan: ReductionPlan, _ columns: Int, _ type: S.Type) -> Tensor {
    let rows = columns == 0 ? 0 : count / columns
    let sums = Tensor([columns], of: Double.self) { output in
      output.update(repeating: 0, count: columns)
      withPointer(of: S.self) { input in
        for row in 0..<rows {
          let line = input + row * columns
          for i in 0..<columns { output[i] += Double(line[i]) }
        }
      }
    }
    return sums.converted(to: dtype).reshaped(plan.resultShape)
  }

  private func sumIntegers(_ plan: ReductionPlan) -> Tensor {
    plan.reduce(self, of: Int32.self) { (row: UnsafePointer<Int32>, count) -> Int32 in
      (0..<count).reduce(0) { $0 &+ row[$1] }
    }
  }

  private func extremum<F: BinaryFunction>(_ axes: [Int]?, _ keeping: Bool, _ name: String, _ function: F.Type)
    -> Tensor
  {
    let plan = ReductionPlan(self, axes, keeping, name)
    check(plan.reducedCount > 0, name, expected: "at least one element", got: "shape \(shape)")
    let x = detached
    func find<S: TensorScalar>(_ type: S.Type) -> Tensor {
      plan.reduce(x, of: S.self) { (row: UnsafePointer<S>, count) -> S in
        var best = row[0]
        for i in 1..<Swift.max(count, 1) { best = F.apply(best, row[i]) }
        return best
      }
    }
    let value: Tensor
    switch dtype.representation {
    case .float32: value = find(Float.self)
    case .float64: value = find(Double.self)
    case .int32: value = find(Int32.self)
    }
    return value.derived(from: [self]) { upstream, _ in
      let hits = x.isEqual(to: plan.spread(value)).converted(to: upstream.dtype)
      let shares = hits.sum(axes: plan.axes, keepingDimensions: true)
      return [hits / shares * plan.spread(upstream)]
    }
  }
}

/// Which axes a reduction takes away, and the shapes that follow.
struct ReductionPlan: Sendable {
  let axes: [Int]
  let resultShape: [Int]
  let reducedCount: Int
  private let source: [Int]
  private let keptShape: [Int]

  init(_ tensor: Tensor, _ axes: [Int]?, _ keepingDimensions: Bool, _ operation: String) {
    source = tensor.shape
    var (kept, remaining, reduced, product) = (source, [Int](), [Int](), 1)
    let wanted = axes?.map { Shape.axis($0, rank: tensor.rank, operation) }
    for axis in tensor.shape.indices {
      if wanted?.contains(axis) ?? true {
        product *= source[axis]
        kept[axis] = 1
        reduced.append(axis)
      } else {
        remaining.append(source[axis])
      }
    }
    self.axes = reduced
    keptShape = kept
    reducedCount = product
    resultShape = keepingDimensions ? kept : remaining
  }

  /// The number of columns when the reduced axes are the leading ones, so that rows can be added up in place.
  var leadingColumns: Int? {
    guard !axes.isEmpty, axes.count < source.count, axes == Array(0..<axes.count) else { return nil }
    return Shape.count(Array(source[axes.count...]))
  }

  /// Calls `body` with the elements that make up each element of the result, side by side.
  @inline(__always)
  func reduce<S: TensorScalar, R: TensorScalar>(
    _ tensor: Tensor, of type: S.Type, _ body: (UnsafePointer<S>, Int) -> R
  ) -> Tensor {
    let isTrailing = axes.first == nil || axes.first == source.count - axes.count
    let kept = isTrailing ? [] : source.indices.filter { !axes.contains($0) }
    let rows = isTrailing ? tensor.contiguous : tensor.permuted(kept + axes).contiguous
    return Tensor(resultShape, of: R.self) { output in
      rows.withPointer(of: S.self) { input in
        for i in 0..<Shape.count(resultShape) { output[i] = body(input + i * reducedCount, reducedCount) }
      }
    }
  }

  /// Repeats a reduced tensor along the axes it lost, without a copy.
  func spread(_ reduced: Tensor) -> Tensor {
    reduced.reshaped(keptShape).stretched(to: source)
  }
}
