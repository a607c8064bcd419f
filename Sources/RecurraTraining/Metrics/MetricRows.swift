package import RecurraTensor

extension Metric.Kind {
  /// Tells whether targets are class numbers, one to a row.
  var takesLabels: Bool {
    switch self {
    case .sparseCategoricalAccuracy: true
    case .topK(_, let takesLabels): takesLabels
    case .loss(let metric): metric.loss.takesLabels
    case .counts(_, let counts): counts.takesLabels
    default: false
    }
  }
}

extension Metric {
  /// Measures predictions as a weighted sum over rows; rows of weight 0 are not read.
  ///
  /// - Throws: `badData` for targets that do not fit the predictions.
  package func weighted(
    _ targets: Tensor, _ predictions: Tensor, _ weights: RowWeights
  ) throws(RecurraError) -> WeightedSum {
    let pair = Pairing(targets, predictions.detached, convertsTargets: true)
    if case .function(let body) = kind {
      let mean = try OwnFunction(name: name, body: body).mean(pair, weights).item
      return WeightedSum(sum: mean * weights.total, weight: weights.total)
    }
    if case .loss(let metric) = kind {
      let sum = try metric.loss.weighted(targets, predictions.detached, weights).sum
      return WeightedSum(sum: sum, weight: weights.total)
    }
    let kind = resolved(targets: targets.shape, predictions: predictions.shape)
    try check(pair, targets.shape, isSparse: kind.takesLabels)
    let sum =
      pair.predictions.dtype == .float32 ? add(kind, pair, weights, Float.self) : add(kind, pair, weights, Double.self)
    return WeightedSum(sum: sum, weight: weights.total)
  }

  /// What `counts` add up over rows.
  func counted(
    _ counts: any MetricCounts, _ pair: Pairing, _ targets: [Int], _ weights: RowWeights
  ) throws(RecurraError) -> [WeightedSum] {
    try check(pair, targets, isSparse: counts.takesLabels)
    let width = weights.count == 0 ? 1 : pair.predictions.count / weights.count
    if let fault = counts.fault(width: width) {
      throw RecurraError(.badArgument, operation: name, expected: fault.expected, got: fault.got)
    }
    var sums = [Double](repeating: 0, count: counts.sumCount(width: width))
    func add<S: FloatingScalar>(_ type: S.Type) {
      pair.targets.withSpan(of: S.self) { targets in
        pair.predictions.withSpan(of: S.self) { counts.add(targets, $0, width: width, weights, into: &sums) }
      }
    }
    if pair.predictions.dtype == .float32 { add(Float.self) } else { add(Double.self) }
    return sums.map { WeightedSum(sum: $0, weight: weights.total) }
  }

  private func check(_ pair: Pairing, _ targets: [Int], isSparse: Bool) throws(RecurraError) {
    let shape = pair.predictions.shape
    let rows = Array(shape.dropLast(shape.count > 1 ? 1 : 0))
    let fits = isSparse ? Pairing.essential(targets) == Pairing.essential(rows) : pair.isElementwise
    guard !shape.isEmpty, fits else {
      throw RecurraError(
        .badData, operation: name, expected: "targets \(isSparse ? rows : shape) for predictions \(shape)",
        got: "shape \(targets)")
    }
  }

  private func add<S: FloatingScalar>(
    _ kind: Kind, _ pair: Pairing, _ weights: RowWeights, _ type: S.Type
  ) -> Double {
    let width = weights.count == 0 ? 1 : pair.predictions.count / weights.count
    return pair.targets.withSpan(of: S.self) { targets in
      pair.predictions.withSpan(of: S.self) { predictions in
        var sum = 0.0
        for row in 0..<weights.count where weights[row] != 0 {
          let range = row * width..<(row + 1) * width
          let value: Double
          switch kind {
          case .sparseCategoricalAccuracy:
            value = S(largest(predictions, range)) == targets[row] ? 1 : 0
          case .categoricalAccuracy:
            value = largest(predictions, range) == largest(targets, range) ? 1 : 0
          case .binaryAccuracy(let threshold):
            value = mean(range) { (predictions[$0] > S(threshold) ? 1 : 0) == targets[$0] ? 1 : 0 }
          case .topK(let k, let takesLabels):
            let label = takesLabels ? Int(exactly: targets[row]) : largest(targets, range)
            value = label.map { isAmongLargest(range.lowerBound + $0, k, predictions, range) ? 1 : 0 } ?? 0
          case .squared:
            value = mean(range) { (predictions[$0] - targets[$0]) * (predictions[$0] - targets[$0]) }
          case .absolute:
            value = mean(range) { (predictions[$0] - targets[$0]).magnitude }
          case .accuracy, .loss, .counts, .function, .sums: value = 0
          }
          sum += weights[row] * value
        }
        return sum
      }
    }
  }

  @inline(__always)
  private func mean<S: FloatingScalar>(_ range: Range<Int>, _ value: (Int) -> S) -> Double {
    range.reduce(0.0) { $0 + Double(value($1)) } / Double(range.count)
  }

  /// Tells whether fewer than `k` values of a row are larger than one of them; equal ones are all among the largest.
  private func isAmongLargest<S: FloatingScalar>(_ place: Int, _ k: Int, _ values: Span<S>, _ range: Range<Int>) -> Bool
  {
    guard range.contains(place), values[place].isFinite else { return false }
    return range.reduce(0) { $0 + (values[$1] > values[place] ? 1 : 0) } < k
  }

  /// The position of the largest value within a row, the first of equal ones.
  private func largest<S: FloatingScalar>(_ values: Span<S>, _ range: Range<Int>) -> Int {
    var best = range.lowerBound
    for i in range where values[i] > values[best] { best = i }
    return best - range.lowerBound
  }
}
