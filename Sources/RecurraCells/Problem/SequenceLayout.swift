import RecurraTensor

/// The order of a batch's rows: by length, the longest first.
struct RowOrder: Sendable {
  /// The batch index of each row; nil when rows are in the order of the batch.
  let places: [Int]?
  /// The length of each row, sorted.
  let lengths: [Int]
  /// From a row of the batch to the next, in timesteps.
  let timesteps: Int
  /// What the rows are pieces of; nil for whole rows.
  let pieces: SequencePieces?

  init(batch: Int, timesteps: Int, lengths given: [Int]?, pieces: SequencePieces? = nil) {
    (self.timesteps, self.pieces) = (timesteps, pieces)
    guard let given = pieces?.lengths ?? given else {
      (places, lengths) = (nil, [Int](repeating: timesteps, count: batch))
      return
    }
    let sorted = given.indices.sorted { given[$0] != given[$1] ? given[$0] > given[$1] : $0 < $1 }
    places = pieces == nil && sorted.elementsEqual(0..<batch) ? nil : sorted
    lengths = sorted.map { given[$0] }
  }

  /// Cuts rows of some lengths into blocks with about the same number of timesteps, or of rows; the last ones may be
  /// empty.
  static func cut(_ lengths: some RandomAccessCollection<Int>, into count: Int, byTimesteps: Bool) -> [Range<Int>] {
    let lengths = Array(lengths)
    if !byTimesteps || lengths.first == lengths.last {
      let size = (lengths.count + count - 1) / count
      return (0..<count).map { min($0 * size, lengths.count)..<min(($0 + 1) * size, lengths.count) }
    }
    let total = lengths.reduce(0, +)
    var (bounds, sum) = ([0], 0)
    for (row, length) in lengths.enumerated() {
      while bounds.count < count, sum * count >= total * bounds.count { bounds.append(row) }
      sum += length
    }
    while bounds.count <= count { bounds.append(lengths.count) }
    return (0..<count).map { bounds[$0]..<bounds[$0 + 1] }
  }
}

/// How some rows of a batch are laid out, and where their states lie.
///
/// Rows are sorted by length, longest first, so the sequences that are still running at any step are the first rows:
/// every product covers just the valid timesteps, without a mask. The reverse direction starts each row at its own last
/// valid timestep.
///
/// Block s holds the states that enter step s, and after the last step the final ones; rows whose sequence ended leave
/// their final state in the block after their last step.
struct SequenceLayout: Sendable {
  /// Rows laid out here.
  let batch: Int
  /// The place of the first of them in the order of all.
  let firstRow: Int
  /// Steps of the longest row.
  let steps: Int
  let isReversed: Bool
  /// The batch index of each row; nil when rows are in the order of the batch.
  let order: [Int]?
  /// The length of each row, sorted.
  let lengths: [Int]
  /// The number of rows that run at each step; one more entry, 0, for the step after the last.
  let counts: [Int]
  /// The first row of each block, one after the other when all are kept, by turns in two blocks otherwise.
  let blocks: [Int]
  /// Rows to allocate for the states.
  let rowCount: Int
  private let timesteps: Int
  /// Where each row's timesteps begin in `piecePlaces`; empty for whole rows.
  private let pieceStarts: [Int]
  /// The timesteps of all pieces of the batch, counted over all of its rows.
  private let piecePlaces: [Int32]

  init(_ order: RowOrder, rows: Range<Int>, isReversed: Bool, keepsAll: Bool) {
    batch = rows.count
    firstRow = rows.lowerBound
    self.isReversed = isReversed
    let lengths = Array(order.lengths[rows])
    let steps = lengths.first ?? 0
    timesteps = order.timesteps
    pieceStarts = order.pieces.map { pieces in order.places?[rows].map { pieces.starts[$0] } ?? [] } ?? []
    piecePlaces = order.pieces?.places ?? []
    self.lengths = lengths
    self.steps = steps
    self.order = order.places.map { Array($0[rows]) }
    var running = [Int](repeating: 0, count: steps + 1)
    var active = batch
    for time in 0..<steps {
      while active > 0, lengths[active - 1] <= time { active -= 1 }
      running[isReversed ? steps - 1 - time : time] = active
    }
    counts = running
    var blocks: [Int] = []
    blocks.reserveCapacity(steps + 1)
    var total = 0
    for step in 0...steps {
      guard keepsAll else {
        blocks.append(step % 2 * batch)
        continue
      }
      blocks.append(total)
      let isEnd = step == (isReversed ? steps : 0)
      total += isEnd ? batch : Swift.max(running[step], step > 0 ? running[step - 1] : 0)
    }
    self.blocks = blocks
    rowCount = keepsAll ? total : 2 * batch
  }

  /// The timestep of the input that step `step` reads.
  @inline(__always)
  func time(_ step: Int) -> Int { isReversed ? steps - 1 - step : step }

  /// Where two rows or more fall in two halves that run about as many timesteps in some steps.
  func middle(of rows: Range<Int>, in steps: Range<Int>) -> Int {
    var (least, most) = (rows.lowerBound + 1, rows.upperBound - 1)
    // Rows only ever leave, or only ever join: those that run first and last run all the time.
    if steps.isEmpty || min(counts[steps.lowerBound], counts[steps.upperBound - 1]) >= rows.upperBound {
      return (least + most + 1) / 2
    }
    func timesteps(_ rows: Range<Int>) -> Int { steps.reduce(0) { $0 + rows.clamped(to: 0..<counts[$1]).count } }
    let half = timesteps(rows) / 2
    while least < most {
      let row = (least + most) / 2
      if timesteps(rows.lowerBound..<row) < half { least = row + 1 } else { most = row }
    }
    return least
  }

  /// The place in the batch of a row.
  @inline(__always)
  func index(_ row: Int) -> Int { order.map { $0[row] } ?? firstRow + row }

  /// Tells whether rows are pieces, whose timesteps may lie anywhere.
  var isInPieces: Bool { !pieceStarts.isEmpty }

  /// Where a timestep of a row lies in the batch, [B, T], counted over all rows.
  @inline(__always)
  func place(_ row: Int, _ time: Int) -> Int {
    pieceStarts.isEmpty ? index(row) * timesteps + time : Int(piecePlaces[pieceStarts[row] + time])
  }

  /// The block that a row's initial state goes to.
  func firstBlock(_ row: Int) -> Int { isReversed ? steps - lengths[row] : 0 }

  /// The block that holds a row's final state.
  func lastBlock(_ row: Int) -> Int { isReversed ? steps : lengths[row] }

  /// The rows that take part in the products of all steps: every block but the last.
  var productRows: Int { blocks[steps] }
}
