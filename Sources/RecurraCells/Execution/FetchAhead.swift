internal import CRecurraKernels
import RecurraTensor

/// What the step that comes next will use, asked for before it is waited for.
///
/// For a run whose memory outgrows the cache the kernels fetch it along the way, where one thread does all rows and
/// units of a step: then it lies together, and is nobody else's.
extension DirectionRun where S == Float {
  /// What step `step + 1` will write: its gates, and the states it makes.
  func aheadOfForward(_ step: Int, _ rows: Range<Int>) -> (RecurraAhead, RecurraAhead, RecurraAhead)? {
    guard fetchesAhead(step, rows), step + 1 < layout.steps else { return nil }
    let made = layout.blocks[step + 2]
    let (z, c) = (ahead(zRows.from(made), rows), cell.stateCount > 1 ? ahead(memory(step + 2), rows) : RecurraAhead())
    // The SimpleRNN stores no gates; its buffer is for their gradients.
    return cell.kernel == .simpleRNN ? (z, c, RecurraAhead()) : (ahead(gates(step + 1), rows), z, c)
  }

  /// What step `step - 1` will read on the way back, or write, its gates, and the states that entered it; and what the
  /// products behind the loop will read.
  func aheadOfBackward(_ step: Int, _ rows: Range<Int>) -> (RecurraAhead, RecurraAhead, RecurraAhead)? {
    guard fetchesAhead(step, rows), step > 0 else { return nil }
    let states = cell.stateCount > 1 ? memory(step - 1) : zRows.from(layout.blocks[step - 1])
    // The LSTM's gates leave the step's own x and h alone, but the products over all timesteps come to them from here.
    let z = cell.stateCount > 1 ? ahead(zRows.from(layout.blocks[step]), rows) : RecurraAhead()
    return (ahead(gates(step - 1), rows), ahead(states, rows), z)
  }

  private func fetchesAhead(_ step: Int, _ rows: Range<Int>) -> Bool {
    isFarFlung && rows.count == layout.counts[step]
  }

  private func ahead(_ from: Rows<Float>, _ rows: Range<Int>) -> RecurraAhead {
    RecurraAhead(from: UnsafePointer(from[rows.lowerBound]), count: rows.count * from.stride)
  }
}
