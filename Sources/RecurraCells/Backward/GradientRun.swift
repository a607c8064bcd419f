import RecurraTensor

/// What goes back through one direction: the gradients of its states, and of what each step gave out.
final class GradientRun<S: FloatingScalar> {
  private let run: DirectionRun<S>
  /// Gradients of h, and of the states behind it side by side, rows in the order of the run; after the loop those of
  /// the initial states.
  private let carries: [Buffer<S>]
  private let scratch: Buffer<S>
  let hRows, cRows: Rows<S>
  /// Gradient of the scratch rows, for cells with a second phase.
  let scratchRows: Rows<S>
  /// Gradient of the output, [B, T, width], dense, and the first column of this direction; nil when nothing depends on
  /// it.
  let output: Tensor?
  let column: Int
  /// Gradient of the memory after every timestep, [B, T, width], dense; nil when nothing depends on it.
  let memories: Tensor?

  init(_ run: DirectionRun<S>, output: Tensor?, column: Int, states: [Tensor?], memories: Tensor? = nil) {
    self.run = run
    self.memories = memories
    self.output = output
    self.column = column
    let further = run.widths.dropFirst().reduce(0, +)
    carries = (further > 0 ? [run.outputs, further] : [run.outputs]).map { Buffer(run.layout.batch, $0) }
    scratch = Buffer(run.scratchCount > 0 ? run.layout.batch : 0, run.scratchCount)
    hRows = carries[0].rows
    cRows = carries[carries.count - 1].rows
    scratchRows = scratch.rows
    for (index, gradient) in states.enumerated() {
      let width = run.widths[index]
      for row in 0..<run.layout.batch {
        let target = carry(index, row)
        guard let gradient else {
          target.update(repeating: 0, count: width)
          continue
        }
        gradient.withPointer(of: S.self) { target.update(from: $0 + run.layout.index(row) * width, count: width) }
      }
    }
  }

  /// Where the gradient of a state of a row lies.
  private func carry(_ index: Int, _ row: Int) -> UnsafeMutablePointer<S> {
    index == 0 ? hRows[row] : cRows[row] + run.widths[1..<index].reduce(0, +)
  }

  /// The gradient of what a row gave out at a step; rows of one step lie `outputStride` apart in the order of the
  /// batch.
  @inline(__always)
  func outputRow(_ step: Int, _ row: Int) -> UnsafeMutablePointer<S>? {
    guard let output else { return nil }
    let base = output.storage.pointer.assumingMemoryBound(to: S.self) + output.offset
    return base + run.layout.place(row, run.layout.time(step)) * output.shape[2] + column
  }

  var outputStride: Int { output.map { $0.shape[1] * $0.shape[2] } ?? 0 }

  /// Adds the output's gradient to the carried gradient of h.
  func addOutputGradient(_ step: Int, _ active: Range<Int>) {
    for row in active {
      guard let gradient = outputRow(step, row) else { return }
      let target = hRows[row]
      for u in 0..<run.outputs { target[u] += gradient[u] }
    }
  }

  /// Adds the gradient of the memory that a step made to the carried gradient of c.
  @inline(__always)
  func addMemoryGradient(_ step: Int, _ active: Range<Int>) {
    guard let memories else { return }
    let own = run.widths[1]
    let base = memories.storage.pointer.assumingMemoryBound(to: S.self) + memories.offset + run.place * own
    for row in active {
      let gradient = base + run.layout.place(row, run.layout.time(step)) * memories.shape[2]
      let target = cRows[row]
      for u in 0..<own { target[u] += gradient[u] }
    }
  }

  /// Copies a carried gradient to [B, width] in the order of the batch: that of an initial state.
  func writeInitialStateGradient(_ index: Int, to output: UnsafeMutablePointer<S>) {
    let width = run.widths[index]
    for row in 0..<run.layout.batch {
      (output + run.layout.index(row) * width).update(from: carry(index, row), count: width)
    }
  }
}
