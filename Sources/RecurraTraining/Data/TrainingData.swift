internal import RecurraLayers
internal import RecurraTensor

/// Inputs and targets that belong together, row by row, checked once.
struct TrainingData {
  let x: Tensor
  let y: Tensor?
  /// The number of valid timesteps of each row; nil when all are full.
  let lengths: [Int]?
  /// How much each row, or each timestep of a row, counts: [N] or [N, T]; nil when all count alike.
  let sampleWeights: Tensor?

  /// The number of rows.
  var count: Int { x.shape[0] }

  /// Checks data that comes from outside.
  ///
  /// - Parameters:
  ///   - ids: the number of ids the model looks up; nil for a model of features, whose whole numbers become floats.
  ///   - dtype: the type the model computes in.
  ///   - output: the shape of the model's output, where targets are given.
  ///   - allowsNonFinite: whether NaN and infinity may be among the numbers.
  /// - Throws: `badData` for no rows, rows of no elements, unequal numbers of rows, lengths outside the timesteps,
  ///   weights below 0, numbers that are not finite and numbers that the model's type cannot hold.
  init(
    _ x: Tensor, _ y: Tensor?, lengths: [Int]?, sampleWeights: Tensor?, ids: Int?, dtype: DType, output: [Int?],
    allowsNonFinite: Bool, operation: String
  ) throws(RecurraError) {
    guard x.rank >= 1, x.count > 0 else {
      throw RecurraError(
        .badData, operation: operation, expected: "x with at least one row, and no axis of extent 0",
        got: "shape \(x.shape)")
    }
    if let y {
      guard y.rank >= 1, y.shape[0] == x.shape[0], y.count > 0 else {
        throw RecurraError(
          .badData, operation: operation, expected: "as many rows in y as in x, \(x.shape[0])",
          got: "y of shape \(y.shape)")
      }
    }
    if let lengths { try Self.validate(lengths, x.shape, operation) }
    if let ids {
      self.x = try x.checkedIDs(below: ids, of: "x", lengths: lengths, operation)
    } else {
      self.x = try x.checkedValues(
        "x", dtype: dtype, lengths: lengths, allowsNonFinite: allowsNonFinite, convertsIntegers: true, operation)
    }
    // Where the output has no timesteps, the second axis of targets is no time.
    let targetLengths = output.count > 2 ? lengths : nil
    self.y = try y?.checkedValues(
      "y", dtype: dtype, lengths: targetLengths, allowsNonFinite: allowsNonFinite, hasTimesteps: output.count > 2,
      operation)
    self.lengths = lengths
    self.sampleWeights = try sampleWeights?.checkedSampleWeights(
      for: x.shape, output: output, lengths: lengths, operation)
  }

  private init(x: Tensor, y: Tensor?, lengths: [Int]?, sampleWeights: Tensor?) {
    self.x = x
    self.y = y
    self.lengths = lengths
    self.sampleWeights = sampleWeights
  }

  private static func validate(_ lengths: [Int], _ shape: [Int], _ operation: String) throws(RecurraError) {
    guard lengths.count == shape[0] else {
      throw RecurraError(
        .badData, operation: operation, expected: "as many lengths as rows in x, \(shape[0])", got: "\(lengths.count)")
    }
    let timesteps = shape.count > 1 ? shape[1] : 1
    guard let row = lengths.firstIndex(where: { $0 < 0 || $0 > timesteps }) else { return }
    throw RecurraError(
      .badData, operation: operation, expected: "lengths in 0…\(timesteps)", got: "\(lengths[row]) in row \(row)")
  }

  /// Cuts off the last share of the rows, for validation.
  ///
  /// - Throws: `badData` when either part would have no row, `badArgument` for a share outside 0..<1.
  func split(last share: Double) throws(RecurraError) -> (training: TrainingData, validation: TrainingData) {
    guard share > 0, share < 1 else {
      throw RecurraError(.badArgument, operation: "fit", expected: "a validation split in 0..<1", got: "\(share)")
    }
    // Keras' place for the cut, rounding included.
    let cut = Int((Double(count) * (1 - share)).rounded(.down))
    guard cut > 0, cut < count else {
      throw RecurraError(
        .badData, operation: "fit", expected: "rows on both sides of a validation split of \(share)",
        got: "\(count) rows")
    }
    return (part(0..<cut), part(cut..<count))
  }

  private func part(_ rows: Range<Int>) -> TrainingData {
    TrainingData(
      x: x[rows], y: y.map { $0[rows] }, lengths: lengths.map { Array($0[rows]) },
      sampleWeights: sampleWeights.map { $0[rows] })
  }

  /// The rows in `range`, as they stand or in the order of `order`.
  func batch(_ range: Range<Int>, order: [Int]? = nil, cut: PaddingCut = .none) -> Batch {
    let rows = order.map { $0[range] } ?? ArraySlice(range)
    let lengths = lengths.map { all in rows.map { all[$0] } }
    let timesteps = x.rank > 1 ? x.shape[1] : 1
    let longest = cut.timesteps(of: x, rows, lengths)
    let indices = order == nil ? nil : Tensor(rows.map { Int32($0) })
    func taken(_ tensor: Tensor) -> Tensor { indices.map(tensor.gathered) ?? tensor[range] }
    let values = longest < timesteps ? x.rows(rows, length: longest) : taken(x)
    // Padding by id 0 may end before the lengths do, and then both hold.
    return Batch(
      input: Value(values, mask: lengths.map { .lengths($0.map { min($0, longest) }) } ?? .all), targets: y.map(taken),
      sampleWeights: sampleWeights.map(taken))
  }
}
