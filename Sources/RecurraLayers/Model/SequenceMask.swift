public import RecurraTensor

/// Says which timesteps of a batch's sequences count: all, the first ones of each row, or any.
///
/// What is masked is padding: no recurrent layer computes with it, no loss and no metric looks at it. A mask may also
/// say before which timesteps the state begins anew, see `withResets(_:to:)`.
///
/// ```swift
/// let mask = try SequenceMask(steps: [[true, false, true], [false, true, true]])
/// let output = try LSTM(units: 4)(x, mask: mask)
/// ```
public struct SequenceMask: Sendable, Equatable {
  private enum Storage: Sendable, Equatable {
    case all
    case lengths([Int])
    /// [B, T] in row-major order, and the end of each row.
    case steps([Bool], timesteps: Int, ends: [Int])
  }

  private let storage: Storage
  /// Where the state begins anew; nil where it does so nowhere.
  private(set) var resets: SequenceResets?

  /// Every timestep counts.
  public static let all = SequenceMask(storage: .all)

  /// The first timesteps of each row count, as many as the list says.
  public static func lengths(_ lengths: [Int]) -> SequenceMask { SequenceMask(storage: .lengths(lengths)) }

  /// Makes a mask with a truth for each timestep; true counts.
  ///
  /// - Throws: `badData` for rows of different lengths.
  public init(steps: [[Bool]]) throws(RecurraError) {
    let timesteps = steps.first?.count ?? 0
    guard let row = steps.firstIndex(where: { $0.count != timesteps }) else {
      self.init(steps.flatMap { $0 }, rows: steps.count, timesteps: timesteps)
      return
    }
    throw RecurraError(
      .badData, operation: "mask", expected: "\(timesteps) timesteps in every row",
      got: "\(steps[row].count) in row \(row)")
  }

  /// Makes a mask from numbers [B, T]: 1 counts, 0 does not.
  ///
  /// - Throws: `badData` for another shape, and for other numbers.
  public init(steps: Tensor) throws(RecurraError) {
    self.init(try Self.flags(steps, "mask"), rows: steps.shape[0], timesteps: steps.shape[1])
  }

  /// Makes the simplest mask that says the same: where nothing is masked in front of a row's end, its length.
  init(_ steps: [Bool], rows: Int, timesteps: Int) {
    var ends = [Int](repeating: 0, count: rows)
    var hasHoles = false
    for row in 0..<rows {
      let start = row * timesteps
      var (end, count) = (0, 0)
      for timestep in 0..<timesteps where steps[start + timestep] { (end, count) = (timestep + 1, count + 1) }
      ends[row] = end
      if count < end { hasHoles = true }
    }
    if hasHoles {
      storage = .steps(steps, timesteps: timesteps, ends: ends)
    } else {
      storage = ends.allSatisfy { $0 == timesteps } ? .all : .lengths(ends)
    }
  }

  private init(storage: Storage) { self.storage = storage }

  /// The mask with other marks.
  func with(resets: SequenceResets?) -> SequenceMask {
    var mask = self
    mask.resets = resets.flatMap { resets in resets.marks.allSatisfy(\.isEmpty) ? nil : resets }
    return mask
  }

  /// The end of each row: one more than the last timestep that counts; nil where every timestep counts.
  public var lengths: [Int]? {
    switch storage {
    case .all: nil
    case .lengths(let lengths): lengths
    case .steps(_, _, let ends): ends
    }
  }

  /// Tells whether timesteps in front of a row's end are masked.
  public var hasHoles: Bool { if case .steps = storage { true } else { false } }

  /// Tells whether every timestep counts.
  public var isAll: Bool { if case .all = storage { true } else { false } }

  /// Tells whether a timestep counts.
  ///
  /// - Precondition: a row and a timestep that the mask has.
  public func isValid(row: Int, timestep: Int) -> Bool {
    switch storage {
    case .all: true
    case .lengths(let lengths): timestep < lengths[row]
    case .steps(let steps, let timesteps, _): steps[row * timesteps + timestep]
    }
  }

  /// Returns the mask as numbers [B, T]: 1 where a timestep counts, else 0.
  public func tensor(rows: Int, timesteps: Int, dtype: DType = .float32) -> Tensor {
    Tensor(flags(rows, timesteps).map { $0 ? Float(1) : 0 }, shape: [rows, timesteps]).converted(to: dtype)
  }

  /// Returns the mask of what counts in this one and in another.
  ///
  /// - Throws: `badData` where they do not have the same rows and timesteps.
  public func intersection(_ other: SequenceMask) throws(RecurraError) -> SequenceMask {
    try counting(andIn: other).with(resets: joinedResets(other))
  }

  private func counting(andIn other: SequenceMask) throws(RecurraError) -> SequenceMask {
    switch (storage, other.storage) {
    case (.all, _): return other
    case (_, .all): return self
    case (.lengths(let own), .lengths(let others)) where own.count == others.count:
      return .lengths(zip(own, others).map { min($0, $1) })
    case (.steps(let steps, let timesteps, let ends), _):
      try other.check(rows: ends.count, timesteps: timesteps, "mask")
      let others = other.flags(ends.count, timesteps)
      return SequenceMask(zip(steps, others).map { $0 && $1 }, rows: ends.count, timesteps: timesteps)
    case (.lengths, .steps): return try other.counting(andIn: self)
    case (.lengths(let own), .lengths(let others)):
      throw RecurraError(.badData, operation: "mask", expected: "\(own.count) rows", got: "\(others.count)")
    }
  }

  /// Returns the mask of what counts in this one or in another.
  ///
  /// - Throws: `badData` where they do not have the same rows and timesteps.
  public func union(_ other: SequenceMask) throws(RecurraError) -> SequenceMask {
    try counting(orIn: other).with(resets: joinedResets(other))
  }

  private func counting(orIn other: SequenceMask) throws(RecurraError) -> SequenceMask {
    switch (storage, other.storage) {
    case (.all, _), (_, .all): return .all
    case (.lengths(let own), .lengths(let others)) where own.count == others.count:
      return .lengths(zip(own, others).map { max($0, $1) })
    case (.steps(let steps, let timesteps, let ends), _):
      try other.check(rows: ends.count, timesteps: timesteps, "mask")
      let others = other.flags(ends.count, timesteps)
      return SequenceMask(zip(steps, others).map { $0 || $1 }, rows: ends.count, timesteps: timesteps)
    case (.lengths, .steps): return try other.counting(orIn: self)
    case (.lengths(let own), .lengths(let others)):
      throw RecurraError(.badData, operation: "mask", expected: "\(own.count) rows", got: "\(others.count)")
    }
  }

  /// A truth for each timestep of each row.
  func flags(_ rows: Int, _ timesteps: Int) -> [Bool] {
    if case .steps(let steps, timesteps, _) = storage { return steps }
    var flags = [Bool](repeating: true, count: rows * timesteps)
    guard let lengths else { return flags }
    for (row, length) in lengths.prefix(rows).enumerated() {
      for timestep in min(max(length, 0), timesteps)..<timesteps { flags[row * timesteps + timestep] = false }
    }
    return flags
  }

  /// The timesteps of a row that count, in runs; all of them where there is no such row.
  ///
  /// Data of a wrong shape may have other timesteps than the mask: none beyond them is named.
  package func runs(ofRow row: Int?, timesteps: Int) -> [Range<Int>] {
    guard let row, let ends = lengths, ends.indices.contains(row) else { return [0..<timesteps] }
    guard case .steps(let steps, let own, _) = storage else { return [0..<max(0, min(ends[row], timesteps))] }
    var (runs, start) = ([Range<Int>](), Int?.none)
    for timestep in 0...min(own, timesteps) {
      let isValid = timestep < min(own, timesteps) && steps[row * own + timestep]
      if isValid, start == nil { start = timestep }
      if !isValid, let first = start {
        runs.append(first..<timestep)
        start = nil
      }
    }
    return runs
  }

  /// The mask of some rows, in the order they are named.
  package func rows(_ rows: some Sequence<Int>) -> SequenceMask {
    counting(inRows: rows).with(resets: resets?.rows(rows))
  }

  private func counting(inRows rows: some Sequence<Int>) -> SequenceMask {
    switch storage {
    case .all: return self
    case .lengths(let lengths): return .lengths(rows.map { lengths[$0] })
    case .steps(let steps, let timesteps, _):
      let rows = Array(rows)
      return SequenceMask(
        rows.flatMap { steps[$0 * timesteps..<($0 + 1) * timesteps] }, rows: rows.count, timesteps: timesteps)
    }
  }

  /// The mask of the first timesteps of every row.
  package func prefix(_ count: Int) -> SequenceMask {
    counting(inPrefix: count).with(resets: resets?.prefix(count))
  }

  private func counting(inPrefix count: Int) -> SequenceMask {
    switch storage {
    case .all: return self
    case .lengths(let lengths): return .lengths(lengths.map { min($0, count) })
    case .steps(let steps, let timesteps, let ends):
      let count = min(count, timesteps)
      return SequenceMask(
        ends.indices.flatMap { steps[$0 * timesteps..<$0 * timesteps + count] }, rows: ends.count, timesteps: count)
    }
  }

  /// Refuses a mask for other rows or timesteps.
  package func check(rows: Int, timesteps: Int, _ operation: String) throws(RecurraError) {
    try checkResets(rows: rows, timesteps: timesteps, operation)
    switch storage {
    case .all: return
    case .lengths(let lengths):
      let wrong = lengths.first { !(0...timesteps).contains($0) }
      guard lengths.count != rows || wrong != nil else { return }
      throw RecurraError(
        .badData, operation: operation, expected: "\(rows) lengths in 0...\(timesteps)",
        got: wrong.map { "a length of \($0)" } ?? "\(lengths.count)")
    case .steps(_, let own, let ends):
      guard ends.count != rows || own != timesteps else { return }
      throw RecurraError(
        .badData, operation: operation, expected: "a mask [\(rows), \(timesteps)]", got: "[\(ends.count), \(own)]")
    }
  }
}
