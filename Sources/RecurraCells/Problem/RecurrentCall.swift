internal import CRecurraKernels
import RecurraTensor

/// One call of a recurrent layer: forward, and the record for going back.
struct RecurrentCall: Sendable {
  let cell: any GatedCell
  let directions: [RecurrentDirection]
  let input: InputSource
  /// The timesteps of each row that is run; nil where all are full.
  let lengths: [Int]?
  /// What the rows are pieces of, in the place of `lengths`.
  let pieces: SequencePieces?
  let returnsSequences: Bool
  let padding: PaddedOutput
  let returnsMemories: Bool
  let keepsTrace: Bool

  /// Rows that are run: the batch's, or its pieces.
  private var batch: Int { pieces?.count ?? input.shape[0] }

  func run<S: FloatingScalar>(_ type: S.Type) -> RecurrentOutput { MultiplierChoice.withRoom { runHere(type) } }

  private func runHere<S: FloatingScalar>(_ type: S.Type) -> RecurrentOutput {
    let isTracked = input.isTracked || directions.contains(where: \.isTracked)
    let isTraining = keepsTrace || returnsMemories || isTracked
    let (shape, lookup) = (input.shape, input.lookup)
    let units = directions[0].weights.shape[1] / cell.gateCount
    let way = MultiplierChoice.multiplication(cell, S.dtype)
    let kernels = way.fused
    let distinct = isTracked && !keepsTrace && kernels != nil ? distinctRows() : nil
    let found = kernels.flatMap { kernels in
      distinct.map { lookedUp($0, kernels) }
        ?? (isTraining ? nil : lookup.flatMap { TableProduct.products($0, cell, directions, kernels) })
    }
    let schedule = Planner.schedule(
      Problem(
        cell, way, batch: batch, timesteps: max(1, pieces?.lengths.max() ?? shape[1]),
        inputs: found == nil ? shape[2] : 0, units: units,
        directions: directions.count, isTraining: isTraining))
    let runs = makeRuns(
      schedule.runBlocks, found, isTraining: isTraining, laysInput: kernels == nil, of: S.self)
    let executor = Executor(runs: runs, schedule: schedule, way: way)
    let widths = runs[0].widths
    let width = directions.count * widths[0]
    let sequence = returnsSequences ? Tensor(uninitialized: [shape[0], shape[1], width], dtype: S.dtype) : nil
    let target = sequence.map { $0.storage.pointer.assumingMemoryBound(to: S.self) }
    executor.forward(to: target, width: width)
    if let target {
      if let pieces {
        fillMasked(target, width, pieces)
      } else {
        for run in runs { run.fillPadding(target + run.place * widths[0], width: width, padding) }
      }
    }
    let output =
      sequence
      ?? Tensor([batch, width], of: S.self) { last in
        for run in runs { run.writeLastOutput(to: last + run.place * widths[0], width: width) }
      }
    var states: [Tensor] = []
    states.reserveCapacity(directions.count * widths.count)
    for place in directions.indices {
      for (index, width) in widths.enumerated() {
        states.append(
          Tensor([batch, width], of: S.self) { state in
            for run in runs where run.place == place { run.writeFinalState(index, to: state, width: width) }
          })
      }
    }
    let traces =
      keepsTrace ? directions.indices.map { place in RecurrentTrace(runs.filter { $0.place == place }) } : []
    let memories = returnsMemories ? memories(runs) : nil
    guard isTracked else {
      return RecurrentOutput(output: output, states: states, memories: memories, traces: traces)
    }
    // Gradients go straight to the table where its rows need none of their own.
    let table = lookup.flatMap { $0.isShortcut && !keepsTrace ? $0 : nil }
    let source = table?.table ?? input.tensor
    let parents =
      [source]
      + directions.flatMap { [$0.weights] + ($0.bias.map { [$0] } ?? []) + $0.parameters + $0.initialStates }
    let record = RecurrentRecord(
      call: detached, executor: executor, distinct: distinct, table: table?.detached,
      needsInput: source.isTracked)
    let outputs = [output] + states + (memories.map { [$0] } ?? [])
    let node = Node(
      of: parents.map(\.origin), outputCount: outputs.count, gradients: { record.gradients($0) })
    let tracked = outputs.enumerated().map { $1.with(origin: Origin(node: node, output: $0)) }
    return RecurrentOutput(
      output: tracked[0], states: Array(tracked[1...states.count]), memories: memories.flatMap { _ in tracked.last },
      traces: traces)
  }

  /// The memory after every timestep of every direction, side by side.
  private func memories<S: FloatingScalar>(_ runs: [DirectionRun<S>]) -> Tensor {
    let own = runs[0].widths[1]
    let shape = [input.shape[0], input.shape[1], directions.count * own]
    return Tensor(shape, of: S.self) { memories in
      // Where rows have holes or ends, nothing is written there.
      if pieces != nil || lengths != nil { memories.update(repeating: 0, count: shape[0] * shape[1] * shape[2]) }
      for run in runs {
        for step in 0..<run.layout.steps {
          let (c, time) = (run.memory(step + 1), run.layout.time(step))
          for row in 0..<run.layout.counts[step] {
            let target = memories + run.layout.place(row, time) * shape[2] + run.place * own
            target.update(from: c[row], count: own)
          }
        }
      }
    }
  }

  /// Fills the output at masked timesteps of rows in pieces.
  private func fillMasked<S: FloatingScalar>(
    _ output: UnsafeMutablePointer<S>, _ width: Int, _ pieces: SequencePieces
  ) {
    let own = width / directions.count
    for (place, direction) in directions.enumerated() {
      let target = output + place * own
      for (index, source) in pieces.repeated(isReversed: direction.isReversed).enumerated() where source != index {
        if padding == .repeatsLast, source >= 0 {
          (target + index * width).update(from: target + source * width, count: own)
        } else {
          (target + index * width).update(repeating: 0, count: own)
        }
      }
    }
  }

  /// The rows of the table that the input was looked up in, each once, where they may stand in for it; nil where that
  /// does not pay.
  private func distinctRows() -> DistinctRows? {
    guard let lookup = input.lookup, lookup.isShortcut, lookup.owner != nil else { return nil }
    return DistinctRows(lookup, lengths: lengths, pieces: pieces)
  }

  /// The products of the rows with every direction's weights.
  private func lookedUp(_ rows: DistinctRows, _ kernels: RecurraCellKernels) -> LookedUpProducts {
    let products = TableProduct.multiply(rows.vectors, cell, directions.map(\.detached), kernels)
    return LookedUpProducts(products, rows.places)
  }

  /// Makes a run for every direction of every block of rows. Threads take runs by turns.
  private func makeRuns<S: FloatingScalar>(
    _ runBlocks: Int, _ found: LookedUpProducts?, isTraining: Bool, laysInput: Bool, of type: S.Type
  ) -> [DirectionRun<S>] {
    let (input, shape) = (input.detached, input.shape)
    let order = RowOrder(batch: batch, timesteps: shape[1], lengths: lengths, pieces: pieces)
    var blocks = [0..<batch]
    if runBlocks > 1, batch > 0 {
      blocks = RowOrder.cut(order.lengths, into: runBlocks, byTimesteps: true).filter { !$0.isEmpty }
    }
    let detached = directions.map(\.detached)
    var runs: [DirectionRun<S>] = []
    runs.reserveCapacity(blocks.count * detached.count)
    // The last one first: the pool gives back first what it was given last, and runs are let go from the first on. So
    // from one batch to the next a run gets the memory that its thread's caches hold.
    for rows in blocks.reversed() {
      for place in detached.indices.reversed() {
        runs.append(
          DirectionRun(
            cell, detached[place], at: place, input: input, order: order, rows: rows, isTraining: isTraining,
            laysInput: laysInput, lookup: found?[place], of: S.self))
      }
    }
    runs.reverse()
    return runs
  }

  /// The same call without histories, for the record to hold.
  private var detached: RecurrentCall {
    RecurrentCall(
      cell: cell, directions: directions.map(\.detached), input: input.detached, lengths: lengths,
      pieces: pieces, returnsSequences: returnsSequences, padding: padding, returnsMemories: returnsMemories,
      keepsTrace: false)
  }
}

extension RecurrentDirection {
  /// Tells whether a parameter or an initial state has a history.
  var isTracked: Bool {
    weights.isTracked || bias?.isTracked == true || initialStates.contains(where: \.isTracked)
      || parameters.contains(where: \.isTracked)
  }

  /// The same parameters without histories, dense.
  var detached: RecurrentDirection {
    if !isTracked, weights.isContiguous, parameters.allSatisfy(\.isContiguous) { return self }
    return RecurrentDirection(
      weights: weights.detached.contiguous, bias: bias?.detached, parameters: parameters.map(\.detached.contiguous),
      initialStates: initialStates.map(\.detached), isReversed: isReversed, packed: packed, version: version)
  }
}
