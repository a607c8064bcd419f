internal import CRecurraKernels
import RecurraTensor

/// One direction of one layer over some rows of a batch: where everything lies.
///
/// `Z[rows][I+H]` holds x and h side by side when x has been laid down, so that the fused multiply needs no
/// concatenation and Z is the left operand of the whole weight gradient; otherwise Z holds h alone, and x is read where
/// it is.
final class DirectionRun<S: FloatingScalar> {
  let cell: any GatedCell
  let phases: [[GateProduct]]
  let layout: SequenceLayout
  let inputs: Int
  let units: Int
  /// Numbers of each state of a row: h, then those that lie side by side behind `memory`.
  let widths: [Int]
  /// Numbers of h.
  let outputs: Int
  /// Columns of the gate buffer.
  let slots: Int
  /// Numbers of a scratch row; none for a cell of one phase.
  let scratchCount: Int
  let isTraining: Bool
  let laysInput: Bool
  /// Tells whether x is in Z when the loop begins; otherwise each step lays down its rows, on the thread that will read
  /// them.
  var isLaid = false
  /// Tells whether the gate buffer already holds the input's product and the bias when the loop begins.
  var isProjected = false
  let direction: RecurrentDirection
  /// Which of the layer's directions it is.
  let place: Int
  /// The input of all rows: B, T and I.
  let inputShape: [Int]
  /// The input's vectors, dense, one row for each timestep, [B·T][I]; or where they are read from a table, that
  /// table's rows.
  let givenRows: Rows<S>
  /// The row of the table that each timestep of the input is, [B][T]; nil where the rows are the timesteps' own.
  let ids: UnsafePointer<Int32>?
  /// Keeps alive what is read.
  private let given: InputSource
  /// Where the input's product is looked up, bias included, instead of being computed.
  let lookup: LookedUpInput?
  /// The bias spread over the slots, [slots].
  let bias: Tensor
  private let z: Buffer<S>
  /// Gates of all rows in training, of the rows at hand otherwise.
  private let gates: Buffer<S>
  /// The states behind h, side by side; nothing for cells without them.
  private let memory: Buffer<S>
  /// What a later phase of the cell multiplies.
  private let scratch: Buffer<S>
  /// What the cell keeps from a step beside gates and states; nothing for most cells.
  private let saved: Buffer<S>
  /// The cell's named parameters that no product takes, one behind the other.
  private let parameters: Tensor

  let zRows, gateRows, biasRows, scratchRows, savedRows: Rows<S>
  let parameterRow: UnsafePointer<S>
  private let hRows, cRows: Rows<S>

  init(
    _ cell: any GatedCell, _ direction: RecurrentDirection, at place: Int = 0, input: InputSource, order: RowOrder,
    rows: Range<Int>, isTraining: Bool, laysInput: Bool, lookup: (product: Tensor, ids: Tensor)? = nil,
    of type: S.Type
  ) {
    self.cell = cell
    self.direction = direction
    self.place = place
    self.isTraining = isTraining
    inputShape = input.shape
    inputs = inputShape[2]
    units = direction.weights.shape[1] / cell.gateCount
    phases = cell.phases(units: units)
    widths = cell.stateWidths(units: units)
    outputs = widths[0]
    scratchCount = phases.count > 1 ? cell.scratchCount(units: units) : 0
    slots = cell.slotCount * units
    layout = SequenceLayout(order, rows: rows, isReversed: direction.isReversed, keepsAll: isTraining)
    self.lookup = lookup.map { [layout] in LookedUpInput($0.product, $0.ids, layout) }
    self.laysInput = lookup == nil && (isTraining || laysInput || layout.order != nil)
    // Only what is laid down may come from a table row by row; what the kernels read lies side by side.
    switch lookup == nil && !self.laysInput ? .tensor(input.tensor) : input {
    case .tensor(let tensor):
      (given, givenRows, ids) = (.tensor(tensor), Rows(Self.rows(tensor).base, stride: inputs), nil)
    case .lookup(let lookup):
      let ids = lookup.ids.storage.pointer.assumingMemoryBound(to: Int32.self) + lookup.ids.offset
      (given, givenRows, self.ids) = (.lookup(lookup), Self.rows(lookup.table), UnsafePointer(ids))
    }
    let biasOrZeros = direction.bias.map { [units] in cell.slotBias($0.detached, units: units).contiguous }
    // Names of their own: a tensor read back from this object is counted up and down.
    let bias = biasOrZeros ?? .zeros([slots], dtype: S.dtype)
    let gateCount = isTraining ? layout.productRows : layout.batch
    // Rows on cache lines of their own: threads that share a step's units would else take each other's.
    let line = 64 / MemoryLayout<S>.stride
    func apart(_ width: Int) -> Int { isTraining ? width : (width + line - 1) / line * line }
    let further = widths.dropFirst().reduce(0, +)
    let savedCount = cell.savedCount(units: units)
    let z = Buffer<S>(layout.rowCount, self.laysInput ? inputs + outputs : apart(outputs))
    let gates = Buffer<S>(gateCount, slots)
    let memory = Buffer<S>(further > 0 ? layout.rowCount : 0, apart(further))
    let scratch = Buffer<S>(scratchCount > 0 ? gateCount : 0, scratchCount)
    let saved = Buffer<S>(savedCount > 0 ? gateCount : 0, savedCount)
    let parameters = direction.joined(direction.vectorCount(phases)) ?? bias
    zRows = z.rows
    hRows = z.rows.from(0, column: self.laysInput ? inputs : 0)
    cRows = further > 0 ? memory.rows : hRows
    gateRows = gates.rows
    biasRows = Self.rows(bias)
    scratchRows = scratch.rows
    savedRows = savedCount > 0 ? saved.rows : gates.rows
    parameterRow = UnsafePointer(Self.rows(parameters).base)
    (self.bias, self.z, self.gates, self.memory, self.scratch) = (bias, z, gates, memory, scratch)
    (self.saved, self.parameters) = (saved, parameters)
  }

  /// The rows of block `index` out of `count`; those with more timesteps make smaller blocks where asked for.
  func rows(block index: Int, of count: Int, byTimesteps: Bool) -> Range<Int> {
    count == 1 ? 0..<layout.batch : RowOrder.cut(layout.lengths, into: count, byTimesteps: byTimesteps)[index]
  }

  /// Rows of a dense tensor that is this run's own until it ends, so that writing needs no check; or of one that is
  /// only read.
  static func rows(_ tensor: Tensor) -> Rows<S> {
    Rows(
      tensor.storage.pointer.assumingMemoryBound(to: S.self) + tensor.offset,
      stride: tensor.rank > 1 ? tensor.shape[tensor.rank - 1] : 0)
  }

  /// h of the rows that enter step `step`.
  @inline(__always)
  func hidden(_ step: Int) -> Rows<S> { hRows.from(layout.blocks[step]) }

  /// The states behind h of the rows that enter step `step`.
  @inline(__always)
  func memory(_ step: Int) -> Rows<S> { cRows.from(layout.blocks[step]) }

  /// The gate buffer's rows of step `step`.
  @inline(__always)
  func gates(_ step: Int) -> Rows<S> { isTraining ? gateRows.from(layout.blocks[step]) : gateRows }

  /// Where a state of a row lies in a block.
  func state(_ index: Int, _ block: Int, _ row: Int) -> UnsafeMutablePointer<S> {
    index == 0 ? hidden(block)[row] : memory(block)[row] + widths[1..<index].reduce(0, +)
  }

  /// Puts the initial states where their rows begin; zeros where none are given.
  func layInitialStates() {
    for (index, width) in widths.enumerated() {
      let given = direction.initialStates.isEmpty ? nil : direction.initialStates[index].detached.contiguous
      for row in 0..<layout.batch {
        let target = state(index, layout.firstBlock(row), row)
        guard let given else {
          target.update(repeating: 0, count: width)
          continue
        }
        given.withPointer(of: S.self) { target.update(from: $0 + layout.index(row) * width, count: width) }
      }
    }
  }

  /// Copies the input rows of a step into Z.
  @inline(__always)
  func layInput(_ step: Int, _ active: Range<Int>) {
    let time = layout.time(step)
    let target = zRows.from(layout.blocks[step])
    // Where a piece goes on is not known from one row for all.
    let hasNext = step + 1 < layout.steps && !layout.isInPieces
    let later = (hasNext ? layout.time(step + 1) : time) - time
    for row in active {
      let place = layout.place(row, time)
      // The rows of a step lie far apart: the next step's come while this one is computed.
      if hasNext { recurra_fetch(givenRow(place + later), inputs * MemoryLayout<S>.stride) }
      target[row].update(from: givenRow(place), count: inputs)
    }
  }

  /// The input's vector of a timestep, counted over all rows.
  @inline(__always)
  private func givenRow(_ place: Int) -> UnsafeMutablePointer<S> { givenRows[ids.map { Int($0[place]) } ?? place] }

  /// Clears what no step writes but the products after the loop read: rows of a block that have ended.
  func clearEndedRows() {
    for step in 0..<layout.steps {
      let rows = layout.blocks[step + 1] - layout.blocks[step]
      for row in layout.counts[step]..<max(rows, layout.counts[step]) {
        if laysInput { zRows.from(layout.blocks[step])[row].update(repeating: 0, count: inputs) }
        gates(step)[row].update(repeating: 0, count: slots)
        if scratchCount > 0 { scratchRows.from(layout.blocks[step])[row].update(repeating: 0, count: scratchCount) }
      }
    }
  }

  /// Copies the h that a step made to the output, [B][T][width].
  @inline(__always)
  func writeOutput(_ step: Int, _ active: Range<Int>, to output: UnsafeMutablePointer<S>, width: Int) {
    let time = layout.time(step)
    let h = hidden(step + 1)
    for row in active { (output + layout.place(row, time) * width).update(from: h[row], count: outputs) }
  }

  /// Fills the output at padded timesteps: zeros, or the last valid output again where the direction has come past it.
  func fillPadding(_ output: UnsafeMutablePointer<S>, width: Int, _ padding: PaddedOutput) {
    let timesteps = inputShape[1]
    for row in 0..<layout.batch {
      let first = output + layout.index(row) * timesteps * width
      let length = layout.lengths[row]
      for time in length..<max(timesteps, length) {
        if padding == .repeatsLast, !layout.isReversed, length > 0 {
          (first + time * width).update(from: first + (length - 1) * width, count: outputs)
        } else {
          (first + time * width).update(repeating: 0, count: outputs)
        }
      }
    }
  }

  /// Copies the last output to [B][width]: the final h, but zeros for a row without timesteps, which has given out
  /// nothing.
  func writeLastOutput(to output: UnsafeMutablePointer<S>, width: Int) {
    writeFinalState(0, to: output, width: width)
    for row in 0..<layout.batch where layout.lengths[row] == 0 {
      (output + layout.index(row) * width).update(repeating: 0, count: outputs)
    }
  }

  /// Copies a final state to [B][width], in the order of the batch.
  func writeFinalState(_ index: Int, to output: UnsafeMutablePointer<S>, width: Int) {
    for row in 0..<layout.batch {
      (output + layout.index(row) * width).update(
        from: state(index, layout.lastBlock(row), row), count: widths[index])
    }
  }
}

/// The directions that runs belong to, by their places.
func directions<S: FloatingScalar>(_ runs: [DirectionRun<S>]) -> [RecurrentDirection] {
  var result: [RecurrentDirection] = []
  // The runs of a block come in the order of their places.
  for run in runs where run.place == result.count { result.append(run.direction) }
  return result
}
