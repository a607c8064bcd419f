internal import RecurraLayers
internal import RecurraTensor

/// Losses of whole sequences.
extension Loss {
  /// Connectionist temporal classification: −ln of the probability of a sequence of labels that is shorter than the
  /// sequence of timesteps, over all ways of laying the one over the other.
  ///
  /// Predictions are the numbers before a softmax; class 0 is the blank, which stands between labels and is none of
  /// them. Each label takes one timestep or more, and a blank stands between two that are the same. A sequence counts
  /// once, however long it is: the loss is the mean over sequences.
  ///
  /// ```swift
  /// let trainer = try model.compile(loss: .ctc, optimizer: .adam())
  /// try trainer.fit(frames, labels, lengths: frameCounts)   // [N, T, F], and [N, L] with zeros behind the labels
  /// ```
  ///
  /// - Shapes: targets [B, L], class numbers from 1 on with zeros behind them; predictions [B, T, C]. Timesteps that
  ///   are masked are left out; of sequences of which all are, nothing counts.
  /// - Throws, when it is used: `badData` for labels that are no classes, zeros in front of labels, and a sequence with
  ///   fewer timesteps than its labels need.
  /// - Complexity: O(B·T·(C + L)).
  /// - Accuracy: computed in Double.
  /// - Source: Graves et al. 2006; Keras, `keras.losses.CTC`.
  public static let ctc = Loss("ctc", .ctc)

  /// Adds up the loss of every sequence, with its gradient when the predictions are tracked.
  func sequences(
    _ targets: Tensor, _ predictions: Tensor, _ weights: RowWeights, divisor: LossDivisor
  ) throws(RecurraError) -> WeightedLoss {
    let predictions = predictions.dtype.isFloating ? predictions : predictions.converted(to: .float32)
    guard predictions.rank == 3, predictions.count > 0, targets.rank == 2, targets.shape[0] == predictions.shape[0]
    else {
      throw RecurraError(
        .badData, operation: name, expected: "labels [B, L] for predictions [B, T, C]",
        got: "shapes \(targets.shape) and \(predictions.shape)")
    }
    let rows = try labels(targets, classes: predictions.shape[2])
    let parts = try (0..<rows.count).map { (row) throws(RecurraError) in
      try part(row, rows[row], weights, timesteps: predictions.shape[1])
    }
    let weight =
      switch reduction {
      case .sum: parts.contains { $0.weight != 0 } ? 1.0 : 0
      case .sumOverBatchSize: Double(parts.count { !$0.timesteps.isEmpty })
      default: parts.reduce(0) { $0 + $1.weight }
      }
    let divided = divisor == .weight && weight != 0 ? weight : 1
    let (sum, gradient) =
      predictions.dtype == .float32
      ? sequences(predictions, parts, divided, Float.self) : sequences(predictions, parts, divided, Double.self)
    let tensor = Tensor(sum / divided, dtype: predictions.dtype).derived(from: [predictions]) { upstream, _ in
      [gradient.map { upstream.item == 1 ? $0 : $0 * upstream.reshaped([]) }]
    }
    return WeightedLoss(tensor: tensor, sum: sum, weight: weight)
  }

  /// What is to be known of a sequence: its labels, its timesteps that count, and how much it counts itself.
  private struct SequencePart {
    let labels: [Int]
    let timesteps: [Int]
    let weight: Double
  }

  private func part(
    _ row: Int, _ labels: [Int], _ weights: RowWeights, timesteps: Int
  ) throws(RecurraError) -> SequencePart {
    let valid = weights.mask.runs(ofRow: row, timesteps: timesteps).flatMap { Array($0) }
    guard let first = valid.first else { return SequencePart(labels: labels, timesteps: [], weight: 0) }
    let weight = weights[row * timesteps + first]
    guard valid.allSatisfy({ weights[row * timesteps + $0] == weight }) else {
      throw RecurraError(
        .badData, operation: name, expected: "one weight for each sequence", got: "several in row \(row)")
    }
    let least = LabelAlignments.leastTimesteps(labels)
    guard weight == 0 || valid.count >= least else {
      throw RecurraError(
        .badData, operation: name,
        expected: "at least \(least) timesteps for \(labels.count) labels, with a blank between two that are the same",
        got: "\(valid.count) in row \(row)")
    }
    return SequencePart(labels: labels, timesteps: valid, weight: weight)
  }

  /// The labels of each row, without the zeros behind them.
  private func labels(_ targets: Tensor, classes: Int) throws(RecurraError) -> [[Int]] {
    let width = targets.shape[1]
    let numbers = targets.detached.converted(to: .float64).scalars(as: Double.self)
    var rows: [[Int]] = []
    for row in 0..<targets.shape[0] {
      var labels: [Int] = []
      var hasEnded = false
      for number in numbers[row * width..<(row + 1) * width] {
        guard let label = Int(exactly: number), (0..<classes).contains(label) else {
          throw RecurraError(
            .badData, operation: name, expected: "labels in 0..<\(classes)", got: "\(number) in row \(row)")
        }
        guard label == 0 || !hasEnded else {
          throw RecurraError(
            .badData, operation: name, expected: "zeros behind labels alone",
            got: "one in front of \(label) in row \(row)")
        }
        if label == 0 { hasEnded = true } else { labels.append(label) }
      }
      rows.append(labels)
    }
    return rows
  }

  private func sequences<S: FloatingScalar>(
    _ predictions: Tensor, _ parts: [SequencePart], _ divisor: Double, _ type: S.Type
  ) -> (sum: Double, gradient: Tensor?) {
    let (timesteps, classes) = (predictions.shape[1], predictions.shape[2])
    let logits = predictions.detached.contiguous
    var sum = 0.0
    func run(_ gradient: inout MutableSpan<S>) {
      logits.withSpan(of: S.self) { logits in
        for (row, part) in parts.enumerated() where part.weight != 0 {
          let starts = part.timesteps.map { (row * timesteps + $0) * classes }
          let logarithms = starts.flatMap { Self.logarithms(logits, $0, classes) }
          let (loss, slopes) = LabelAlignments(labels: part.labels).loss(
            logarithms, classes: classes, wantsGradient: !gradient.isEmpty)
          sum += part.weight * loss
          guard !gradient.isEmpty else { continue }
          for (index, start) in starts.enumerated() {
            for i in 0..<classes { gradient[start + i] = S(slopes[index * classes + i] * part.weight / divisor) }
          }
        }
      }
    }
    guard predictions.isTracked else {
      var none = Tensor.zeros([0], dtype: S.dtype)
      none.withMutableSpan(of: S.self) { run(&$0) }
      return (sum, nil)
    }
    var gradient = Tensor.zeros(predictions.shape, dtype: S.dtype)
    gradient.withMutableSpan(of: S.self) { run(&$0) }
    return (sum, gradient)
  }

  /// ln softmax of the logits of a timestep.
  private static func logarithms<S: FloatingScalar>(_ logits: Span<S>, _ start: Int, _ classes: Int) -> [Double] {
    let values = (start..<start + classes).map { Double(logits[$0]) }
    let largest = values.max() ?? 0
    let logarithm = Double.logarithm(values.reduce(0) { $0 + Double.exponential($1 - largest) })
    return values.map { $0 - largest - logarithm }
  }
}
