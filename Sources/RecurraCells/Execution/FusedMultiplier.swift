internal import CRecurraKernels
import RecurraTensor

/// Timesteps by our kernels: product on packed weights with the gates fused behind it.
///
/// Every pre-activation is one chain of sums in a fixed order, so neither the rows that are computed together, nor
/// the panels a thread takes, nor hoisting the input's product out of the loop change a bit.
struct FusedMultiplier: Multiplier {
  let run: DirectionRun<Float>
  let gradients: GradientRun<Float>?
  private let kernels: RecurraCellKernels
  private let weights: UnsafePointer<Float>
  /// Keeps the packed weights alive.
  private let packed: Tensor
  /// The panels this multiplier computes: all, or a thread's share.
  private let panels: Range<Int>
  /// What is the same at every step.
  private let frame: RecurraForwardStep
  /// Where the input's product of some timesteps lies, when it is taken out of the loop.
  private let hoist: Hoist?
  /// Second destination of h: the output, when its rows are in the order of the run.
  private let output: OutputRows?
  /// What the kernels work in; this thread's own.
  private let scratch: UnsafeMutablePointer<Float>?
  /// How it meets the ranks that make the other panels of every step; nil for all panels.
  private let meeting: Meeting?

  /// The product of the input with W for a stretch of timesteps: [step in stretch][row][slots].
  struct Hoist {
    let rows: Rows<Float>
    let stretch: Int
    /// The step that the first stretch begins with.
    var first = 0

    func index(_ step: Int) -> Int { (step - first) % stretch }
  }

  /// How the ranks of a team meet that share a step's units: each gathers a single row for itself, or all wait at a
  /// barrier.
  enum Meeting {
    case gather(RowGather.Rank)
    case barrier(TeamRank)
  }

  /// The output of this direction, [B][T][width], from its first column.
  struct OutputRows {
    let base: UnsafeMutablePointer<Float>
    let width: Int
  }

  init(
    _ run: DirectionRun<Float>, kernels: RecurraCellKernels, packed: Tensor, panels: Range<Int>, hoist: Hoist?,
    output: OutputRows?, scratch: UnsafeMutablePointer<Float>?, meeting: Meeting? = nil, isEndless: Bool = false
  ) {
    (self.run, self.kernels, self.packed, self.panels, self.hoist, self.output, self.scratch, self.meeting) = (
      run, kernels, packed, panels, hoist, output, scratch, meeting
    )
    weights = UnsafePointer(packed.storage.pointer.assumingMemoryBound(to: Float.self))
    gradients = nil
    let all = kernels.forwardPanels(run.units)
    var frame = RecurraForwardStep()
    (frame.inputs, frame.units, frame.packed, frame.scratch) = (run.inputs, run.units, weights, scratch)
    frame.parameters = run.parameterRow
    frame.panels = RecurraPanels(panels)
    frame.pairs = Machine.caches.pairsPanels(bytes: 4 * Int(kernels.packedForwardSize(0, run.units)) / all) ? 1 : 0
    // Unless steps are gone through again and again, every h that enters step 0 is zero where no initial states were
    // given.
    frame.fromZeros = !isEndless && run.direction.initialStates.isEmpty ? 1 : 0
    if let lookup = run.lookup {
      (frame.`init`, frame.initRows) = (lookup.rows.forKernels, lookup.places)
    }
    self.frame = frame
  }

  init(
    _ run: DirectionRun<Float>, kernels: RecurraCellKernels, packed: Tensor, panels: Range<Int>,
    gradients: GradientRun<Float>, scratch: UnsafeMutablePointer<Float>?
  ) {
    (self.run, self.kernels, self.packed, self.panels, self.gradients) = (run, kernels, packed, panels, gradients)
    self.scratch = scratch
    weights = UnsafePointer(packed.storage.pointer.assumingMemoryBound(to: Float.self))
    (hoist, output, meeting) = (nil, nil, nil)
    frame = RecurraForwardStep()
  }

  func forward(_ steps: Range<Int>, _ active: Range<Int>) {
    var step = steps.lowerBound
    while step < steps.upperBound { step += forward(from: step, to: steps.upperBound, active) }
  }

  /// Computes steps from `step` on, as many as one call of the kernels does, or fewer where the members that make a row
  /// have parted; returns how many.
  func forward(from step: Int, to end: Int, _ active: Range<Int>) -> Int {
    let first = active.lowerBound
    let laysInput = run.laysInput && !run.isLaid
    if laysInput { run.layInput(step, active) }
    if let hoist, hoist.index(step) == 0 { project(step, hoist, active) }
    var kernel = frame
    (kernel.rows, kernel.run.steps, kernel.descending) = (active.count, end - step, Int32(step & 1))
    // Training keeps every step's states, and rows that are laid down come step by step.
    if run.isTraining || laysInput { kernel.run.steps = 1 }
    kernel.run.isFollowed = !run.laysInput && end < run.layout.steps ? 1 : 0
    if step > 0 { kernel.fromZeros = 0 }
    if run.isTraining {
      kernel.gates = run.gates(step).from(first).forKernels
    }
    if let places = kernel.initRows.map({ $0 + step * run.layout.batch + first }) {
      (kernel.initRows, kernel.run.initRows) = (places, run.layout.batch)
    } else if run.isProjected {
      kernel.`init` = kernel.gates
    } else if let hoist {
      let index = hoist.index(step)
      let rows = hoist.rows.from(index * run.layout.batch + first)
      (kernel.`init`, kernel.run.`init`) = (rows.forKernels, run.layout.batch * rows.stride)
      kernel.run.steps = min(kernel.run.steps, hoist.stretch - index)
    } else {
      kernel.`init` = Rows(run.biasRows.base, stride: 0).forKernels
      (kernel.x, kernel.run.x) = (inputRows(step, first).forKernels, inputStep)
    }
    kernel.h = run.hidden(step).from(first).forKernels
    kernel.hNext = run.hidden(step + 1).from(first).forKernels
    kernel.c = run.memory(step).from(first).forKernels
    kernel.cNext = run.memory(step + 1).from(first).forKernels
    if let output {
      let stride = run.inputShape[1] * output.width
      let place = output.base + run.layout.index(first) * stride
      kernel.y = RecurraRows(base: place + run.layout.time(step) * output.width, stride: stride)
      kernel.run.y = run.layout.isReversed ? -output.width : output.width
    }
    switch meeting {
    case nil: return kernels.forward(&kernel)
    case .gather(let rank):
      let row = rank.pointer
      (kernel.h.base, kernel.hNext.base) = (recurra_row(row, step), recurra_row(row, step + 1))
      kernel.c.base = recurra_row_memory(row, row.pointee.rank, step)
      kernel.cNext.base = recurra_row_memory(row, row.pointee.rank, step + 1)
      (kernel.member, kernel.turn) = (row, step)
      return kernels.forward(&kernel)
    case .barrier(let rank):
      // All meet after every step.
      kernel.run.steps = 1
      // Rank 0 has made the first units itself.
      if panels.lowerBound == 0 { kernel.rest.ready = min(run.units, panels.upperBound * kernels.panelUnits) }
      // The first step finds h there.
      if step > 0 {
        kernel.rest.waiter = Unmanaged.passUnretained(rank).toOpaque()
        kernel.rest.await = { waiter in
          guard let waiter else { return }
          Unmanaged<TeamRank>.fromOpaque(waiter).takeUnretainedValue().awaitOthers()
        }
      }
      return kernels.forward(&kernel)
    }
  }

  /// The input rows of a step: in Z when they have been laid down there, in the input itself otherwise.
  private func inputRows(_ step: Int, _ first: Int) -> Rows<Float> {
    run.laysInput ? run.zRows.from(run.layout.blocks[step] + first) : givenRows(step, first)
  }

  /// From a step's row of the input to the next step's.
  private var inputStep: Int { run.layout.isReversed ? -run.inputs : run.inputs }

  /// The input rows of a step in the input itself.
  private func givenRows(_ step: Int, _ first: Int) -> Rows<Float> {
    let timesteps = run.inputShape[1]
    return Rows(
      run.givenRows[run.layout.index(first) * timesteps + run.layout.time(step)], stride: timesteps * run.inputs)
  }

  /// Computes the input's product for the stretch of steps that begins at `step`; all rows are of full length.
  private func project(_ step: Int, _ hoist: Hoist, _ active: Range<Int>) {
    let steps = min(hoist.stretch, run.layout.steps - step)
    var product = RecurraProduct()
    (product.rows, product.inputs, product.units) = (steps, run.inputs, run.units)
    (product.`init`, product.packed) = (Rows(run.biasRows.base, stride: 0).forKernels, weights)
    (product.x.stride, product.out.stride) = (inputStep, run.layout.batch * hoist.rows.stride)
    product.scratch = scratch
    // A row's timesteps lie side by side in the input: one product over time for each row, while the panel is in the
    // cache.
    for panel in panels {
      product.panels = RecurraPanels(panel..<panel + 1)
      for row in active {
        (product.x.base, product.out.base) = (inputRows(step, row).base, hoist.rows[row])
        kernels.product(&product)
      }
    }
  }

  /// Computes the input's product for some rows of Z, all steps together, into the gate buffer.
  static func project(
    _ run: DirectionRun<Float>, _ kernels: RecurraCellKernels, _ packed: Tensor, rows: Range<Int>, in scratch: Scratch?
  ) {
    InputProduct(
      x: run.zRows.from(rows.lowerBound), bias: run.biasRows.base, packed: DirectionRun<Float>.rows(packed).base,
      out: run.gateRows.from(rows.lowerBound)
    ).run(kernels, rows: rows.count, inputs: run.inputs, units: run.units, in: scratch)
  }

  func backward(_ step: Int, _ active: Range<Int>, following: Range<Int>) {
    guard let gradients else { return }
    let first = active.lowerBound
    var kernel = products(step, rows: active, following: following, gradients)
    gradients.addMemoryGradient(step, active)
    if run.layout.order != nil {
      gradients.addOutputGradient(step, active)
    } else if let gradient = gradients.outputRow(step, first) {
      kernel.dy = RecurraRows(base: gradient, stride: gradients.outputStride)
    }
    kernel.gates = run.gates(step).from(first).forKernels
    kernel.c = run.memory(step + 1).from(first).forKernels
    kernel.cPrevious = run.memory(step).from(first).forKernels
    kernel.h = run.hidden(step + 1).from(first).forKernels
    kernel.hPrevious = run.hidden(step).from(first).forKernels
    kernel.dc = gradients.cRows.from(first).forKernels
    kernels.backward(&kernel)
  }

  func finish(_ step: Int, _ rows: Range<Int>) {
    // States that began as zeros need no gradients.
    let hasStates = !run.direction.initialStates.isEmpty
    guard let gradients, !rows.isEmpty, hasStates else { return }
    var kernel = products(step - 1, rows: rows, following: rows, gradients)
    kernel.dhOut = gradients.hRows.from(rows.lowerBound).forKernels
    kernels.backward(&kernel)
  }

  /// The part of a backward step that brings the gradients of step `step + 1` to its previous state.
  private func products(
    _ step: Int, rows: Range<Int>, following: Range<Int>, _ gradients: GradientRun<Float>
  ) -> RecurraBackwardStep {
    var kernel = RecurraBackwardStep()
    (kernel.rows, kernel.units) = (rows.count, run.units)
    kernel.panels = RecurraPanels(panels)
    (kernel.packed, kernel.scratch, kernel.parameters) = (weights, scratch, run.parameterRow)
    kernel.descending = Int32(step & 1)
    kernel.productRows = following.count
    if !following.isEmpty {
      kernel.dgatesNext = run.gates(step + 1).from(rows.lowerBound).forKernels
    }
    kernel.dhCarry = gradients.hRows.from(rows.lowerBound).forKernels
    return kernel
  }
}
