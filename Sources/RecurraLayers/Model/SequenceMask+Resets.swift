public import RecurraTensor

/// Sequences that begin anew within a row.
extension SequenceMask {
  /// Says which state a row goes back to where it is marked.
  public enum ResetState: Sendable, Equatable {
    /// The state that the call began with: the row equals its pieces run apart, each from that state.
    case initial
    /// The state that the layer begins with by itself: zeros, or its learned initial state. For rows whose first piece
    /// goes on from a state that was carried over, as in recurrent reinforcement learning.
    case own
  }

  /// Returns the mask with marks before which the state of recurrent layers begins anew.
  ///
  /// No gradient flows across a mark, and the reverse direction begins anew in front of it: a row gives what its pieces
  /// give that are run apart, to the bit. A mark at a masked timestep counts for the next that is not masked. Layers
  /// without a state look at no mark.
  ///
  /// ```swift
  /// let mask = try SequenceMask.all.withResets([[false, false, true], [false, true, false]])
  /// let output = try LSTM(units: 4)(x, mask: mask)
  /// ```
  ///
  /// - Parameters:
  ///   - marks: [B, T]; true before whose timestep the row begins anew.
  ///   - state: which state it goes back to.
  /// - Throws: `badData` for rows of different lengths.
  public func withResets(_ marks: [[Bool]], to state: ResetState = .initial) throws(RecurraError) -> SequenceMask {
    let timesteps = marks.first?.count ?? 0
    if let row = marks.firstIndex(where: { $0.count != timesteps }) {
      throw RecurraError(
        .badData, operation: "resets", expected: "\(timesteps) timesteps in every row",
        got: "\(marks[row].count) in row \(row)")
    }
    return with(
      resets: SequenceResets(
        marks: marks.map { row in row.indices.filter { row[$0] } }, timesteps: timesteps, state: state))
  }

  /// Returns the mask with marks from numbers [B, T]: the state begins anew before a timestep of 1.
  ///
  /// - Throws: `badData` for another shape, and for numbers other than 0 and 1.
  public func withResets(_ marks: Tensor, to state: ResetState = .initial) throws(RecurraError) -> SequenceMask {
    let flags = try Self.flags(marks, "resets")
    let timesteps = marks.shape[1]
    return try withResets(
      (0..<marks.shape[0]).map { Array(flags[$0 * timesteps..<($0 + 1) * timesteps]) }, to: state)
  }

  /// Reads numbers [B, T] as truths.
  static func flags(_ numbers: Tensor, _ operation: String) throws(RecurraError) -> [Bool] {
    guard numbers.rank == 2 else {
      throw RecurraError(
        .badData, operation: operation, expected: "a \(operation) [B, T]", got: "shape \(numbers.shape)")
    }
    let values = numbers.detached.converted(to: .float64).scalars(as: Double.self)
    guard let stray = values.first(where: { $0 != 0 && $0 != 1 }) else { return values.map { $0 == 1 } }
    throw RecurraError(.badData, operation: operation, expected: "0 or 1", got: "\(stray)")
  }

  /// Tells whether the state begins anew within any row.
  public var hasResets: Bool { resets != nil }

  /// The timesteps of each row before which the state begins anew; nil where it does so nowhere.
  package var resetMarks: [[Int]]? { resets?.marks }

  /// Refuses marks for other rows or timesteps.
  func checkResets(rows: Int, timesteps: Int, _ operation: String) throws(RecurraError) {
    guard let resets, resets.marks.count != rows || resets.timesteps != timesteps else { return }
    throw RecurraError(
      .badData, operation: operation, expected: "resets [\(rows), \(timesteps)]",
      got: "[\(resets.marks.count), \(resets.timesteps)]")
  }

  /// The marks of this mask and another, for what is made from both.
  func joinedResets(_ other: SequenceMask) throws(RecurraError) -> SequenceResets? {
    guard let own = resets, let others = other.resets else { return resets ?? other.resets }
    try other.checkResets(rows: own.marks.count, timesteps: own.timesteps, "mask")
    return own.union(others)
  }
}
