internal import CRecurraKernels
import RecurraTensor

/// Timesteps by our kernels: product on packed weights with the gates fused behind it.
///
/// Every pre-activation is one chain of sums in a fixed order, so neither the rows that are computed together, nor
/// the panels a thread takes, nor hoisting the input's product out of the loop change a bit.
struct PackedMultiplier: Multiplier {
  let run: DirectionRun<Float>
  let gradients: GradientRun<Float>?
  private let kernels: RecurraCellKernels
  private let weights: UnsafePointer<Float>
  /// Keeps the packed weights alive.
  private let packed: Tensor
  /// The panels this multiplier computes: all, or a thread's share.
  private let panels: Range<Int>
  /// Whether these are all panels.
  private let ownsUnits: Bool
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
    ownsUnits = panels.count == all
    var frame = RecurraForwardStep()
    (frame.inputs, frame.units, frame.packed, frame.scratch) = (run.inputs, run.units, weights, scratch)
    (frame.panelBegin, frame.panelEnd) = (panels.lowerBound, panels.upperBound)
    frame.pairs = Machine.caches.pairsPanels(bytes: 4 * Int(kernels.packedForwardSize(0, run.units)) / all) ? 1 : 0
    // Unless steps are gone through again and again, every h that enters step 0 is zero where no initial states were
    // given.
    frame.fromZeros = !isEndless && run.direction.initialStates.isEmpty ? 1 : 0
    if let lookup = run.lookup {
      (frame.`init`, frame.initStride, frame.hoisted) = (UnsafePointer(lookup.rows.base), lookup.rows.stride, 1)
      frame.initRows = lookup.places
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
    ownsUnits = panels.count == kernels.backwardPanels(run.units)
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
    (kernel.rows, kernel.steps, kernel.descending) = (active.count, end - step, Int32(step & 1))
    // Training keeps every step's states, and rows that are laid down come step by step.
    if run.isTraining || laysInput { kernel.steps = 1 }
    kernel.goesOn = end < run.layout.steps ? 1 : 0
    if step > 0 { kernel.fromZeros = 0 }
    if run.isTraining {
      let gates = run.gates(step).from(first)
      (kernel.gates, kernel.gatesStride) = (gates.base, gates.stride)
    }
    if let places = kernel.initRows.map({ $0 + step * run.layout.batch + first }) {
      (kernel.initRows, kernel.initRowsStep) = (places, run.layout.batch)
      if step + 1 < run.layout.steps { kernel.initRowsAhead = places + run.layout.batch }
    } else if run.isProjected {
      (kernel.`init`, kernel.initStride, kernel.hoisted) = (UnsafePointer(kernel.gates), kernel.gatesStride, 1)
    } else if let hoist {
      let index = hoist.index(step)
      let rows = hoist.rows.from(index * run.layout.batch + first)
      (kernel.`init`, kernel.initStride, kernel.hoisted) = (UnsafePointer(rows.base), rows.stride, 1)
      (kernel.initStep, kernel.steps) = (run.layout.batch * rows.stride, min(kernel.steps, hoist.stretch - index))
    } else {
      (kernel.`init`, kernel.initStride) = (UnsafePointer(run.biasRows.base), 0)
      let x = inputRows(step, first)
      (kernel.x, kernel.xStride, kernel.xStep) = (UnsafePointer(x.base), x.stride, inputStep)
      // Rows that are copied are read but once; only from afar are they waited for.
      if !run.isLaid, !run.laysInput || run.isFarFlung, run.ids == nil, step + 1 < run.layout.steps {
        let ahead = givenRows(step + 1, first)
        (kernel.xAhead, kernel.xAheadStride) = (UnsafePointer(ahead.base), ahead.stride)
      }
    }
    let (h, next) = (run.hidden(step).from(first), run.hidden(step + 1).from(first))
    (kernel.h, kernel.hStride, kernel.hNext, kernel.hNextStride) = (
      UnsafePointer(h.base), h.stride, next.base, next.stride
    )
    if ownsUnits, let ahead = run.aheadOfForward(step, active) { kernel.ahead = ahead }
    let (c, nextC) = (run.memory(step).from(first), run.memory(step + 1).from(first))
    (kernel.c, kernel.cStride, kernel.cNext, kernel.cNextStride) = (
      UnsafePointer(c.base), c.stride, nextC.base, nextC.stride
    )
    if let output {
      let stride = run.inputShape[1] * output.width
      let place = output.base + run.layout.index(first) * stride
      (kernel.y, kernel.yStride) = (place + run.layout.time(step) * output.width, stride)
      kernel.yStep = run.layout.isReversed ? -output.width : output.width
    }
    switch meeting {
    case nil: return kernels.forward(&kernel)
    case .gather(let rank):
      let row = rank.pointer
      (kernel.h, kernel.hNext) = (UnsafePointer(recurra_row(row, step)), recurra_row(row, step + 1))
      (kernel.c, kernel.cNext) = (
        UnsafePointer(recurra_row_memory(row, row.pointee.rank, step)),
        recurra_row_memory(row, row.pointee.rank, step + 1)
      )
      (kernel.member, kernel.turn) = (row, step)
      return kernels.forward(&kernel)
    case .barrier(let rank):
      // All meet after every step.
      kernel.steps = 1
      // Rank 0 has made the first units itself.
      if panels.lowerBound == 0 { kernel.ready = min(run.units, panels.upperBound * kernels.panelUnits) }
      // The first step finds h there.
      if step > 0 {
        kernel.waiter = Unmanaged.passUnretained(rank).toOpaque()
        kernel.awaitRest = { waiter in
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
    (product.`init`, product.initStride, product.packed) = (UnsafePointer(run.biasRows.base), 0, weights)
    product.xStride = inputStep
    product.outStride = run.layout.batch * hoist.rows.stride
    product.scratch = scratch
    // A row's timesteps lie side by side in the input: one product over time for each row, while the panel is in the
    // cache.
    for panel in panels {
      (product.panelBegin, product.panelEnd) = (panel, panel + 1)
      for row in active {
        product.x = UnsafePointer(inputRows(step, row).base)
        product.out = hoist.rows[row]
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
    if run.layout.order != nil {
      gradients.addOutputGradient(step, active)
    } else if let gradient = gradients.outputRow(step, first) {
      (kernel.dy, kernel.dyStride) = (UnsafePointer(gradient), gradients.outputStride)
      if step > 0 { kernel.dyAhead = gradients.outputRow(step - 1, first).map { UnsafePointer($0) } }
    }
    if ownsUnits, let ahead = run.aheadOfBackward(step, active) { kernel.ahead = ahead }
    let gates = run.gates(step).from(first)
    (kernel.gates, kernel.gatesStride) = (gates.base, gates.stride)
    let (c, previousC) = (run.memory(step + 1).from(first), run.memory(step).from(first))
    (kernel.c, kernel.cStride) = (UnsafePointer(c.base), c.stride)
    (kernel.cPrevious, kernel.cPreviousStride) = (UnsafePointer(previousC.base), previousC.stride)
    let (h, previousH) = (run.hidden(step + 1).from(first), run.hidden(step).from(first))
    (kernel.h, kernel.hStride) = (UnsafePointer(h.base), h.stride)
    (kernel.hPrevious, kernel.hPreviousStride) = (UnsafePointer(previousH.base), previousH.stride)
    (kernel.dc, kernel.dcStride) = (gradients.cRows[first], gradients.cRows.stride)
    kernels.backward(&kernel)
  }

  func finish(_ step: Int, _ rows: Range<Int>) {
    // Where the states began as zeros nobody asks for their gradients.
    let hasStates = !run.direction.initialStates.isEmpty
    guard let gradients, !rows.isEmpty, hasStates else { return }
    var kernel = products(step - 1, rows: rows, following: rows, gradients)
    (kernel.dhOut, kernel.dhOutStride) = (gradients.hRows[rows.lowerBound], gradients.hRows.stride)
    kernels.backward(&kernel)
  }

  /// The part of a backward step that brings the gradients of step `step + 1` to its previous state.
  private func products(
    _ step: Int, rows: Range<Int>, following: Range<Int>, _ gradients: GradientRun<Float>
  ) -> RecurraBackwardStep {
    var kernel = RecurraBackwardStep()
    (kernel.rows, kernel.units) = (rows.count, run.units)
    (kernel.panelBegin, kernel.panelEnd) = (panels.lowerBound, panels.upperBound)
    (kernel.packed, kernel.scratch) = (weights, scratch)
    kernel.descending = Int32(step & 1)
    kernel.productRows = following.count
    if !following.isEmpty {
      let next = run.gates(step + 1).from(rows.lowerBound)
      (kernel.dgatesNext, kernel.dgatesNextStride) = (UnsafePointer(next.base), next.stride)
    }
    (kernel.dhCarry, kernel.dhCarryStride) = (gradients.hRows[rows.lowerBound], gradients.hRows.stride)
    return kernel
  }
}
