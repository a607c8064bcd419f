internal import CRecurraKernels
import RecurraTensor

/// The gradient of the input, [B, T, I], of all directions together, in jobs.
struct InputGradients {
  private let runs: [DirectionRun<Float>]
  private let kernels: RecurraCellKernels
  /// Wᵀ of each direction.
  private let packed: [Tensor]
  /// Where every row is of full length, [B, T, I] for each direction; otherwise the rows of each run in its own order.
  private let targets: [Tensor]
  private let isDirect: Bool
  private let scratch: Scratch?

  /// Some rows of a run.
  struct Job {
    let run: Int
    /// Steps, or rows where they are not in the order of the batch.
    let range: Range<Int>
    /// Which part of the rows of a step, out of how many.
    let cut, cuts: Int
  }

  init(_ runs: [DirectionRun<Float>], _ kernels: RecurraCellKernels, weights: [Tensor]) {
    let shape = runs[0].inputShape
    (self.runs, self.kernels, packed) = (runs, kernels, weights)
    scratch = Scratch.of(kernels, rows: 2 * Self.least)
    isDirect = runs.allSatisfy { $0.layout.lengths.last == shape[1] && $0.layout.order == nil }
    targets =
      isDirect
      ? Set(runs.map(\.place)).map { _ in Tensor(uninitialized: shape, dtype: .float32) }
      : runs.map { Tensor(uninitialized: [$0.layout.productRows, $0.inputs], dtype: .float32) }
  }

  /// Rows of a job, about.
  private static let least = 96

  /// Cuts some steps of a run into jobs by shapes alone.
  func jobs(_ steps: Range<Int>, of index: Int) -> [Job] {
    let layout = runs[index].layout
    let (size, cuts) =
      isDirect ? (max(1, Self.least / layout.batch), max(1, layout.batch / Self.least)) : (Self.least, 1)
    let range = isDirect ? steps : layout.blocks[steps.lowerBound]..<layout.blocks[steps.upperBound]
    return stride(from: range.lowerBound, to: range.upperBound, by: size).flatMap { first in
      (0..<cuts).map { Job(run: index, range: first..<min(first + size, range.upperBound), cut: $0, cuts: cuts) }
    }
  }

  /// Does a job.
  func run(_ job: Job) {
    let (run, layout) = (runs[job.run], runs[job.run].layout)
    var kernel = RecurraInputGradient()
    (kernel.inputs, kernel.units) = (run.inputs, run.units)
    kernel.dgates = run.gateRows.forKernels
    kernel.packed = UnsafePointer(DirectionRun<Float>.rows(packed[run.place]).base)
    if isDirect {
      // Rows are cut only where a job is one step, so that it is a range of rows all the same.
      kernel.rowBegin = job.range.lowerBound * layout.batch + layout.batch * job.cut / job.cuts
      kernel.rowEnd = (job.range.upperBound - 1) * layout.batch + layout.batch * (job.cut + 1) / job.cuts
      (kernel.rowsPerStep, kernel.rowStride) = (layout.batch, layout.steps * run.inputs)
      kernel.stepStride = layout.isReversed ? -run.inputs : run.inputs
      let first = layout.firstRow * layout.steps + (layout.isReversed ? layout.steps - 1 : 0)
      kernel.out = DirectionRun<Float>.rows(targets[run.place]).base + first * run.inputs
    } else {
      kernel.out = DirectionRun<Float>.rows(targets[job.run]).base
      (kernel.rowBegin, kernel.rowEnd) = (job.range.lowerBound, job.range.upperBound)
      (kernel.rowsPerStep, kernel.stepStride) = (1, run.inputs)
    }
    scratch.lend { piece in
      kernel.scratch = piece
      kernels.inputGradient(&kernel)
    }
  }

  /// The gradient, once all jobs are done.
  func result() -> Tensor {
    if !isDirect { return SequenceGradients.inputGradient(runs, rows: targets) }
    return SequenceGradients.addUp(targets)
  }
}
