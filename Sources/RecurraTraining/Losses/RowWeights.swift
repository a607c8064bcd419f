package import RecurraLayers
package import RecurraTensor

/// How much each row of predictions counts in losses and metrics.
///
/// A row is one prediction [C]: one to an example [B, C], one to a timestep [B, T, C], one to an element [B]. A row
/// that lies past its sequence's length, or whose label is the ignored one, is masked: its weight is 0 and nothing in
/// it is read. Any other row weighs its sample weight times the weight of its class.
package struct RowWeights: Sendable {
  /// The number of rows.
  package let count: Int
  /// The number of rows that are not masked.
  package let unmaskedCount: Int
  /// The sum of all weights.
  package let total: Double
  /// The timesteps that count; all where the predictions have none.
  package let mask: SequenceMask
  /// The weight of every row; nil when all weigh 1.
  private let values: [Double]?

  /// Tells whether every row weighs 1.
  package var areAllOne: Bool { values == nil }

  /// The weight of a row.
  package subscript(row: Int) -> Double { values?[row] ?? 1 }

  /// Works out the weights of a batch.
  ///
  /// - Parameters:
  ///   - shape: the predictions' [B, …, C], or [B].
  ///   - targets: the batch's targets; read only where weights of classes or an ignored class are given.
  ///   - mask: the timesteps that count in each sequence; it holds where the predictions have at least three axes.
  ///   - sampleWeights: [B], or [B, T] where the predictions have timesteps.
  ///   - classWeights: the weights of classes by number; others weigh 1. The class of a row is its target where that is
  ///     one number, and the place of the largest where it is several.
  ///   - ignoreClass: the label of rows that do not count.
  package init(
    predictions shape: [Int], targets: Tensor? = nil, mask: SequenceMask = .all, sampleWeights: Tensor? = nil,
    classWeights: [Int: Double]? = nil, ignoreClass: Int? = nil
  ) throws(RecurraError) {
    let rows = Shape.count(Array(shape.count > 1 ? shape.dropLast() : shape[...]))
    let sequences = shape.first ?? 1
    let timesteps = shape.count > 2 ? shape[1] : 1
    count = rows
    let mask = shape.count > 2 ? mask : .all
    self.mask = mask
    guard !mask.isAll || sampleWeights != nil || classWeights != nil || ignoreClass != nil, rows > 0 else {
      (values, unmaskedCount, total) = (nil, rows, Double(rows))
      return
    }
    if let lengths = mask.lengths, lengths.count != sequences {
      throw RecurraError(
        .badData, operation: "weights", expected: "\(sequences) lengths", got: "\(lengths.count)")
    }
    try mask.check(rows: sequences, timesteps: timesteps, "weights")
    let samples = try sampleWeights.map { weights throws(RecurraError) in
      try Self.perTimestep(weights, sequences, timesteps)
    }
    let classes = try classWeights == nil && ignoreClass == nil ? nil : Self.classes(of: targets, rows: rows)
    let rowsPerTimestep = rows / (sequences * timesteps)
    var weights = [Double](repeating: 1, count: rows)
    var (unmasked, total) = (0, 0.0)
    for row in 0..<rows {
      let (sequence, timestep) = (row / rowsPerTimestep / timesteps, row / rowsPerTimestep % timesteps)
      let isMasked =
        !mask.isValid(row: sequence, timestep: timestep) || (ignoreClass != nil && classes?[row] == ignoreClass)
      if isMasked {
        weights[row] = 0
      } else {
        unmasked += 1
        if let samples { weights[row] = samples[sequence * timesteps + timestep] }
        if let classWeights, let number = classes?[row], let weight = classWeights[number] { weights[row] *= weight }
        total += weights[row]
      }
    }
    (values, unmaskedCount, self.total) = (weights, unmasked, total)
  }

  /// Sample weights [B] or [B, T] as one number to a timestep.
  private static func perTimestep(
    _ weights: Tensor, _ sequences: Int, _ timesteps: Int
  ) throws(RecurraError) -> [Double] {
    let numbers = weights.converted(to: .float64).scalars(as: Double.self)
    switch Shape.withoutTrailingOnes(weights.shape) {
    case Shape.withoutTrailingOnes([sequences, timesteps]): return numbers
    case Shape.withoutTrailingOnes([sequences]): return numbers.flatMap { repeatElement($0, count: timesteps) }
    default:
      throw RecurraError(
        .badData, operation: "weights",
        expected: "sample weights [\(sequences)]" + (timesteps > 1 ? " or [\(sequences), \(timesteps)]" : ""),
        got: "shape \(weights.shape)")
    }
  }

  /// The class of each row; nil for a target that is no whole number.
  private static func classes(of targets: Tensor?, rows: Int) throws(RecurraError) -> [Int?] {
    guard let targets, targets.count > 0, targets.count % rows == 0 else {
      throw RecurraError(
        .badData, operation: "weights", expected: "a target for each of \(rows) predictions, to know its class",
        got: targets.map { "targets of shape \($0.shape)" } ?? "no targets")
    }
    let width = targets.count / rows
    let numbers = width == 1 ? targets : targets.reshaped([rows, width]).argMax()
    return numbers.detached.converted(to: .float64).scalars(as: Double.self).map { Int(exactly: $0) }
  }
}

extension Shape {
  /// A shape without the axes of extent 1 at its end; the first axis stays.
  static func withoutTrailingOnes(_ shape: [Int]) -> [Int] {
    var shape = shape
    while shape.count > 1, shape.last == 1 { shape.removeLast() }
    return shape
  }
}
