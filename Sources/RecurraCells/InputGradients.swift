internal import CRecurraKernels
import RecurraTensor

/// The gradient of the input, [B, T, I], of all directions together, in jobs.
struct InputGradients {
  private let kernels: RecurraCellKernels
  private let packed: [Tensor]
  /// [B, T, I] where every row is of full length; otherwise each direction's rows in the order of its run.
  private let targets: [Tensor]
  private let isDirect: Bool
  /// Whether all timesteps come in one stretch; then a job does the same timesteps of every direction, one after the other.
  private let isWhole: Bool

  /// Some rows of some directions.
  struct Job {
    let directions: Range<Int>
    /// Timesteps of the input, or rows where they are not in the order of the batch.
    let range: Range<Int>
    /// Which part of the batch, out of how many.
    let cut, cuts: Int
    /// Whether another direction has written to these timesteps before, so that this one adds to them.
    let adds: Bool
    /// Whether that happens in the same stretch, and must be waited for.
    let waits: Bool
  }

  init(_ runs: [DirectionRun<Float>], _ kernels: RecurraCellKernels, weights: [Tensor], isWhole: Bool) {
    let shape = runs[0].input.shape
    (self.kernels, self.isWhole) = (kernels, isWhole)
    packed = weights
    isDirect = runs[0].layout.lengths.last == shape[1]
    targets =
      isDirect
      ? [Tensor(uninitialized: shape, dtype: .float32)]
      : runs.map { Tensor(uninitialized: [$0.layout.productRows, $0.inputs], dtype: .float32) }
  }

  /// Rows of a job, about.
  private static let least = 96

  /// Cuts a stretch of steps, whose rows are `rows`, into jobs by shapes alone.
  func jobs(_ steps: Range<Int>, _ runs: [DirectionRun<Float>], _ rows: [Range<Int>]) -> [Job] {
    let batch = runs[0].layout.batch
    func cut(
      _ range: Range<Int>, _ size: Int, _ directions: Range<Int>, cuts: Int = 1, adds: Bool = false, waits: Bool = false
    ) -> [Job] {
      stride(from: range.lowerBound, to: range.upperBound, by: size).flatMap { first in
        (0..<cuts).map {
          Job(
            directions: directions, range: first..<min(first + size, range.upperBound), cut: $0, cuts: cuts, adds: adds,
            waits: waits)
        }
      }
    }
    guard isDirect else { return rows.indices.flatMap { cut(rows[$0], Self.least, $0..<($0 + 1)) } }
    let (size, cuts) = (max(1, Self.least / batch), max(1, batch / Self.least))
    if isWhole { return cut(steps, size, 0..<runs.count, cuts: cuts) }
    // Stretches come last first: what the steps behind this one read has been written.
    let now = runs.map { Self.times(steps, $0.layout) }
    let before = runs.map { Self.times(steps.upperBound..<$0.layout.steps, $0.layout) }
    let jobs = runs.indices.map { index in
      let (waitedFor, written) = (now[..<index], before[..<index] + before[(index + 1)...])
      let bounds = (waitedFor + written).flatMap { [$0.lowerBound, $0.upperBound] } + [now[index].upperBound]
      var first = now[index].lowerBound
      return bounds.sorted().flatMap { bound -> [Job] in
        guard bound > first, bound <= now[index].upperBound else { return [] }
        let waits = waitedFor.contains { $0.contains(first) }
        let adds = waits || written.contains { $0.contains(first) }
        defer { first = bound }
        return cut(first..<bound, size, index..<(index + 1), cuts: cuts, adds: adds, waits: waits)
      }
    }
    // By turns, so that a direction's rows stay with the thread whose caches hold them.
    return (0..<(jobs.map(\.count).max() ?? 0)).flatMap { place in
      jobs.compactMap { place < $0.count ? $0[place] : nil }
    }
  }

  /// The timesteps that steps read; and the steps that read timesteps.
  private static func times(_ steps: Range<Int>, _ layout: SequenceLayout) -> Range<Int> {
    layout.isReversed ? (layout.steps - steps.upperBound)..<(layout.steps - steps.lowerBound) : steps
  }

  /// Does a job.
  func run(_ job: Job, _ runs: [DirectionRun<Float>]) {
    for direction in job.directions {
      let (run, layout) = (runs[direction], runs[direction].layout)
      var kernel = RecurraInputGradient()
      (kernel.inputs, kernel.units) = (run.inputs, run.units)
      (kernel.dgates, kernel.dgatesStride) = (UnsafePointer(run.gateRows.base), run.gateRows.stride)
      kernel.packed = UnsafePointer(DirectionRun<Float>.rows(packed[direction]).base)
      kernel.out = DirectionRun<Float>.rows(targets[isDirect ? 0 : direction]).base
      if isDirect {
        let steps = Self.times(job.range, layout)
        // Rows are cut only where a job is one step, so that it is a range of rows all the same.
        kernel.rowBegin = steps.lowerBound * layout.batch + layout.batch * job.cut / job.cuts
        kernel.rowEnd = (steps.upperBound - 1) * layout.batch + layout.batch * (job.cut + 1) / job.cuts
        (kernel.rowsPerStep, kernel.rowStride) = (layout.batch, layout.steps * run.inputs)
        kernel.stepStride = layout.isReversed ? -run.inputs : run.inputs
        if layout.isReversed { kernel.out? += (layout.steps - 1) * run.inputs }
        kernel.adds = job.adds || (isWhole && direction > 0) ? 1 : 0
      } else {
        (kernel.rowBegin, kernel.rowEnd) = (job.range.lowerBound, job.range.upperBound)
        (kernel.rowsPerStep, kernel.stepStride) = (1, run.inputs)
      }
      kernels.inputGradient(&kernel)
    }
  }

  /// The gradient, once all jobs are done.
  func result(_ runs: [DirectionRun<Float>]) -> Tensor {
    isDirect ? targets[0] : SequenceGradients.inputGradient(runs, rows: targets)
  }
}
