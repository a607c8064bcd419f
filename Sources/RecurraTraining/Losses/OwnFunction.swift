internal import RecurraTensor

/// A loss or metric that a caller wrote as a function of tensors, summed over the rows that count.
///
/// The function may return values for each row, timestep or sequence, or one number for all it was given. It never sees
/// what a masked row holds: such rows are given the contents of a row that counts. Where a value belongs to rows of
/// different weights, the function is called again with the rows of each weight alone.
struct OwnFunction {
  let name: String
  let body: @Sendable (_ targets: Tensor, _ predictions: Tensor) -> Tensor

  /// The weighted mean of the function's values, with its gradient when the predictions are tracked; 0 when nothing
  /// counts.
  func mean(_ pair: Pairing, _ weights: RowWeights) throws(RecurraError) -> Tensor {
    let dtype = pair.predictions.dtype
    guard weights.total > 0 else { return Self.nothing(pair.predictions) }
    if weights.areAllOne { return body(pair.targets, pair.predictions).converted(to: dtype).mean() }
    let filled = try pair.filled(weights, name)
    let values = body(filled.targets, filled.predictions).converted(to: dtype)
    let parts = try count(of: values, for: pair.predictions, weights.count)
    if let partWeights = weights.sums(parts: parts) {
      let shares = Tensor(partWeights.map { $0 / weights.total }, shape: [parts, 1]).converted(to: dtype)
      return (values.reshaped([parts, -1]).mean(axes: [1], keepingDimensions: true) * shares).sum()
    }
    var sum = Tensor(0, dtype: dtype)
    for group in weights.groups(parts: parts) {
      let taken = try pair.taking(group.rows, of: weights.count, name)
      let share = group.weight * Double(group.rows.count) / weights.total
      sum = sum + body(taken.targets, taken.predictions).converted(to: dtype).mean() * share
    }
    return sum
  }

  /// The number of parts of the batch that values belong to: rows, timesteps, sequences, or the whole.
  private func count(of values: Tensor, for predictions: Tensor, _ rows: Int) throws(RecurraError) -> Int {
    if values.count >= rows, values.count % rows == 0 { return rows }
    let sequences = predictions.shape[0]
    let timesteps = predictions.rank > 2 ? sequences * predictions.shape[1] : sequences
    guard values.count == 1 || values.count == sequences || values.count == timesteps else {
      throw RecurraError(
        .badData, operation: name, expected: "one value, or one for each row of predictions \(predictions.shape)",
        got: "shape \(values.shape)")
    }
    return values.count
  }

  /// A loss of 0 whose gradient is 0.
  static func nothing(_ predictions: Tensor) -> Tensor {
    let (shape, dtype) = (predictions.shape, predictions.dtype)
    return Tensor(0, dtype: dtype).derived(from: [predictions]) { _, _ in [.zeros(shape, dtype: dtype)] }
  }
}

extension RowWeights {
  /// The weight of each of `parts` equal parts of the rows; nil when the rows of one part differ in what they weigh.
  fileprivate func sums(parts: Int) -> [Double]? {
    let width = count / parts
    var sums: [Double] = []
    for part in 0..<parts {
      let first = self[part * width]
      guard (1..<max(width, 1)).allSatisfy({ self[part * width + $0] == first }) else { return nil }
      sums.append(first * Double(width))
    }
    return sums
  }

  /// The rows that count, sorted by the part they are in and by what they weigh.
  fileprivate func groups(parts: Int) -> [(weight: Double, rows: [Int32])] {
    struct Key: Hashable {
      let part: Int
      let weight: Double
    }
    var positions: [Key: Int] = [:]
    var groups: [(weight: Double, rows: [Int32])] = []
    for row in 0..<count where self[row] != 0 {
      let key = Key(part: row / (count / parts), weight: self[row])
      let position = positions[key] ?? groups.count
      if position == groups.count {
        positions[key] = position
        groups.append((self[row], []))
      }
      groups[position].rows.append(Int32(row))
    }
    return groups
  }
}

extension Pairing {
  /// The same with the contents of a row that counts in every row that does not.
  func filled(_ weights: RowWeights, _ name: String) throws(RecurraError) -> Pairing {
    guard let spare = (0..<weights.count).first(where: { weights[$0] != 0 }),
      (0..<weights.count).contains(where: { weights[$0] == 0 })
    else { return self }
    let rows = (0..<weights.count).map { Int32(weights[$0] == 0 ? spare : $0) }
    let taken = try taking(rows, of: weights.count, name)
    return Pairing(taken.targets.reshaped(targets.shape), taken.predictions.reshaped(predictions.shape))
  }

  /// The rows numbered `rows` of `count`, as if they were the timesteps of one sequence where there are timesteps.
  ///
  /// - Shapes: predictions [B, C] become [rows, C], [B, T, C] become [1, rows, C]; targets likewise.
  fileprivate func taking(_ rows: [Int32], of count: Int, _ name: String) throws(RecurraError) -> Pairing {
    guard targets.count % count == 0, targets.count > 0 else {
      throw RecurraError(
        .badData, operation: name, expected: "targets for each of \(count) rows, some of which do not count",
        got: "shape \(targets.shape)")
    }
    let indices = Tensor(rows)
    let hasTimesteps = predictions.rank > 2
    func take(_ tensor: Tensor, rowRank: Int) -> Tensor {
      let width = tensor.count / count
      var shape = hasTimesteps ? [1, rows.count] : [rows.count]
      // Axes between the timesteps and the last one have become rows.
      while shape.count < rowRank { shape.append(1) }
      if tensor.rank > rowRank || width > 1 { shape.append(width) }
      return tensor.reshaped([count, width]).gathered(indices).reshaped(shape)
    }
    let rowRank = max(predictions.rank - 1, 1)
    return Pairing(take(targets, rowRank: rowRank), take(predictions, rowRank: rowRank))
  }

  init(_ targets: Tensor, _ predictions: Tensor) {
    self.targets = targets
    self.predictions = predictions
  }
}
