public import RecurraTensor

/// Says which timesteps of a batch's sequences count: all, the first ones of each row, or any.
///
/// There are two contracts, and a mask may hold both:
/// - `lengths`: a row is as if it stood alone, cut to its length, in every layer, convolution and pooling included.
/// - a mask of `steps` is Keras' mask: recurrent layers, attention, means, losses and metrics leave out what does not
///   count; a layer that takes no mask in Keras reads every timestep and passes none on.
///
/// It may also say before which timesteps the state begins anew, see `withResets(_:to:)`.
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
  /// The lengths that rows are cut to; nil where none were given. What counts lies in front of them.
  private let cuts: [Int]?
  /// The rows and timesteps of a mask of steps, however simple its form; nil where only lengths were given.
  private let extents: [Int]?
  /// Where the state begins anew; nil where it does so nowhere.
  private(set) var resets: SequenceResets?

  /// Every timestep counts.
  public static let all = SequenceMask(storage: .all)

  /// The first timesteps of each row count, as many as the list says.
  ///
  /// Each row is as if it stood alone, cut to its length.
  public static func lengths(_ lengths: [Int]) -> SequenceMask { SequenceMask(storage: .lengths(lengths), lengths) }

  /// Makes Keras' mask, with a truth for each timestep; true counts.
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

  /// Makes Keras' mask from numbers [B, T]: 1 counts, 0 does not.
  ///
  /// - Throws: `badData` for another shape, and for other numbers.
  public init(steps: Tensor) throws(RecurraError) {
    self.init(try Self.flags(steps, "mask"), rows: steps.shape[0], timesteps: steps.shape[1])
  }

  /// Makes the simplest mask that says the same: where nothing is masked in front of a row's end, its length.
  ///
  /// - Parameter cuts: lengths that the rows are cut to besides.
  init(_ steps: [Bool], rows: Int, timesteps: Int, cuts: [Int]? = nil) {
    var steps = steps
    for (row, cut) in (cuts ?? []).enumerated() where cut < timesteps {
      for timestep in max(cut, 0)..<timesteps { steps[row * timesteps + timestep] = false }
    }
    (self.cuts, extents) = (cuts, [rows, timesteps])
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

  private init(storage: Storage, _ cuts: [Int]? = nil, extents: [Int]? = nil) {
    (self.storage, self.cuts, self.extents) = (storage, cuts, extents)
  }

  /// Tells whether two masks say the same of every timestep, and in front of every layer.
  public static func == (first: SequenceMask, second: SequenceMask) -> Bool {
    first.storage == second.storage && first.cuts == second.cuts && first.resets == second.resets
  }

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

  /// What lengths alone say: the mask behind a layer that takes no mask of steps in Keras.
  public var withoutSteps: SequenceMask { (cuts.map { SequenceMask.lengths($0) } ?? .all).with(resets: resets) }

  /// Tells whether lengths were given: rows are as if they stood alone, cut to them.
  public var hasLengths: Bool { cuts != nil }

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

  /// Returns the mask of what counts in this one and in another; rows are cut to the lengths of both.
  ///
  /// - Throws: `badData` where they do not have the same rows and timesteps.
  public func intersection(_ other: SequenceMask) throws(RecurraError) -> SequenceMask {
    try counting(andIn: other).with(resets: joinedResets(other))
  }

  private func counting(andIn other: SequenceMask) throws(RecurraError) -> SequenceMask {
    try checkExtents(other)
    switch (storage, other.storage) {
    case (.all, _): return other
    case (_, .all): return self
    default:
      let cuts = zip(cuts, other.cuts).map { zip($0, $1).map { min($0, $1) } } ?? cuts ?? other.cuts
      return try merged(other, cuts, min) { $0 && $1 }
    }
  }

  /// Returns the mask of what counts in this one or in another; rows are cut to lengths where both have them.
  ///
  /// - Throws: `badData` where they do not have the same rows and timesteps.
  public func union(_ other: SequenceMask) throws(RecurraError) -> SequenceMask {
    try counting(orIn: other).with(resets: joinedResets(other))
  }

  private func counting(orIn other: SequenceMask) throws(RecurraError) -> SequenceMask {
    try checkExtents(other)
    switch (storage, other.storage) {
    case (.all, _), (_, .all): return .all
    default: return try merged(other, zip(cuts, other.cuts).map { zip($0, $1).map { max($0, $1) } }, max) { $0 || $1 }
    }
  }

  /// Joins two masks neither of which counts everything.
  private func merged(
    _ other: SequenceMask, _ cuts: [Int]?, _ length: (Int, Int) -> Int, _ step: (Bool, Bool) -> Bool
  ) throws(RecurraError) -> SequenceMask {
    switch (storage, other.storage) {
    case (.steps(let steps, let timesteps, let ends), _):
      try other.check(rows: ends.count, timesteps: timesteps, "mask")
      let others = other.flags(ends.count, timesteps)
      return SequenceMask(zip(steps, others).map(step), rows: ends.count, timesteps: timesteps, cuts: cuts)
    case (_, .steps): return try other.merged(self, cuts, length, step)
    default:
      let (own, others) = (lengths ?? [], other.lengths ?? [])
      guard own.count == others.count else {
        throw RecurraError(.badData, operation: "mask", expected: "\(own.count) rows", got: "\(others.count)")
      }
      return SequenceMask(
        storage: .lengths(zip(own, others).map(length)), cuts, extents: extents ?? other.extents)
    }
  }

  /// Refuses a mask of steps for other rows or timesteps, however simple its form.
  package func checkExtents(of shape: [Int], _ operation: String) throws(RecurraError) {
    guard let extents, Array(shape.prefix(2)) != extents else { return }
    throw RecurraError(
      .badData, operation: operation, expected: "a mask \(Shape.text(Array(shape.prefix(2))))",
      got: Shape.text(extents))
  }

  private func checkExtents(_ other: SequenceMask) throws(RecurraError) {
    if let extents { try other.check(rows: extents[0], timesteps: extents[1], "mask") }
    if let extents = other.extents { try check(rows: extents[0], timesteps: extents[1], "mask") }
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
    let rows = Array(rows)
    return counting(inRows: rows).with(resets: resets?.rows(rows))
  }

  private func counting(inRows rows: [Int]) -> SequenceMask {
    switch storage {
    case .all: return SequenceMask(storage: .all, extents: extents.map { [rows.count, $0[1]] })
    case .lengths(let lengths):
      return SequenceMask(
        storage: .lengths(rows.map { lengths[$0] }), cuts.map { cuts in rows.map { cuts[$0] } },
        extents: extents.map { [rows.count, $0[1]] })
    case .steps(let steps, let timesteps, _):
      return SequenceMask(
        rows.flatMap { steps[$0 * timesteps..<($0 + 1) * timesteps] }, rows: rows.count, timesteps: timesteps,
        cuts: cuts.map { cuts in rows.map { cuts[$0] } })
    }
  }

  /// The mask of the first timesteps of every row.
  package func prefix(_ count: Int) -> SequenceMask {
    counting(inPrefix: count).with(resets: resets?.prefix(count))
  }

  private func counting(inPrefix count: Int) -> SequenceMask {
    switch storage {
    case .all: return SequenceMask(storage: .all, extents: extents.map { [$0[0], min($0[1], count)] })
    case .lengths(let lengths):
      return SequenceMask(
        storage: .lengths(lengths.map { min($0, count) }), cuts.map { $0.map { min($0, count) } },
        extents: extents.map { [$0[0], min($0[1], count)] })
    case .steps(let steps, let timesteps, let ends):
      let count = min(count, timesteps)
      return SequenceMask(
        ends.indices.flatMap { steps[$0 * timesteps..<$0 * timesteps + count] }, rows: ends.count, timesteps: count,
        cuts: cuts.map { $0.map { min($0, count) } })
    }
  }

  /// Refuses a mask for other rows or timesteps.
  package func check(rows: Int, timesteps: Int, _ operation: String) throws(RecurraError) {
    try checkExtents(of: [rows, timesteps], operation)
    try checkResets(rows: rows, timesteps: timesteps, operation)
    // Lengths of a mask of steps are its own, and fit where it does.
    guard let lengths = cuts ?? lengths else { return }
    let wrong = lengths.first { !(0...timesteps).contains($0) }
    guard lengths.count != rows || wrong != nil else { return }
    throw RecurraError(
      .badData, operation: operation, expected: "\(rows) lengths in 0...\(timesteps)",
      got: wrong.map { "a length of \($0)" } ?? "\(lengths.count)")
  }
}

/// Both of two values that may be missing.
private func zip<First, Second>(_ first: First?, _ second: Second?) -> (First, Second)? {
  if let first, let second { (first, second) } else { nil }
}
