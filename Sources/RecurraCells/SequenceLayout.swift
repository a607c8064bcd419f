import RecurraTensor

/// How the rows of a ragged batch are ordered, and where their states lie.
///
/// Rows are sorted by length, longest first, so the sequences that are still running at any step are the first rows: every product
/// covers just the valid timesteps, without a mask. The reverse direction starts each row at its own last valid timestep.
///
/// Block s holds the states that enter step s, and after the last step the final ones; rows whose sequence ended leave their final
/// state in the block after their last step.
struct SequenceLayout: Sendable {
  let batch: Int
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

  init(batch: Int, timesteps: Int, lengths given: [Int]?, isReversed: Bool, keepsAll: Bool) {
    self.batch = batch
    self.isReversed = isReversed
    let all = given ?? [Int](repeating: timesteps, count: batch)
    let sorted = all.indices.sorted { all[$0] != all[$1] ? all[$0] > all[$1] : $0 < $1 }
    let lengths = sorted.map { all[$0] }
    let steps = lengths.first ?? 0
    self.lengths = lengths
    self.steps = steps
    order = sorted.elementsEqual(0..<batch) ? nil : sorted
    var running = [Int](repeating: 0, count: steps + 1)
    var rows = batch
    for time in 0..<steps {
      while rows > 0, lengths[rows - 1] <= time { rows -= 1 }
      running[isReversed ? steps - 1 - time : time] = rows
    }
    counts = running
    var blocks: [Int] = []
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

  /// The place in the batch of a row.
  @inline(__always)
  func index(_ row: Int) -> Int { order.map { $0[row] } ?? row }

  /// The block that a row's initial state goes to.
  func firstBlock(_ row: Int) -> Int { isReversed ? steps - lengths[row] : 0 }

  /// The block that holds a row's final state.
  func lastBlock(_ row: Int) -> Int { isReversed ? steps : lengths[row] }

  /// The rows that take part in the products of all steps: every block but the last.
  var productRows: Int { blocks[steps] }
}
