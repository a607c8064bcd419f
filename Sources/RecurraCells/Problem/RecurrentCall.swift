internal import CRecurraKernels
import RecurraTensor

/// One call of a recurrent layer: forward, and the record for going back.
struct RecurrentCall: Sendable {
  let cell: any GatedCell
  let directions: [RecurrentDirection]
  let input: InputSource
  let lengths: [Int]?
  let returnsSequences: Bool
  let padding: PaddedOutput
  let keepsTrace: Bool

  func run<S: FloatingScalar>(_ type: S.Type) -> RecurrentOutput { MultiplierChoice.withRoom { runHere(type) } }

  private func runHere<S: FloatingScalar>(_ type: S.Type) -> RecurrentOutput {
    let isTracked = input.isTracked || directions.contains(where: \.isTracked)
    let isTraining = keepsTrace || isTracked
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
        cell, way, batch: shape[0], timesteps: shape[1], inputs: found == nil ? shape[2] : 0, units: units,
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
      for run in runs { run.fillPadding(target + run.place * widths[0], width: width, padding) }
    }
    let output =
      sequence
      ?? Tensor([shape[0], width], of: S.self) { last in
        for run in runs { run.writeLastOutput(to: last + run.place * widths[0], width: width) }
      }
    var states: [Tensor] = []
    states.reserveCapacity(directions.count * widths.count)
    for place in directions.indices {
      for (index, width) in widths.enumerated() {
        states.append(
          Tensor([shape[0], width], of: S.self) { state in
            for run in runs where run.place == place { run.writeFinalState(index, to: state, width: width) }
          })
      }
    }
    let traces =
      keepsTrace ? directions.indices.map { place in RecurrentTrace(runs.filter { $0.place == place }) } : []
    guard isTracked else { return RecurrentOutput(output: output, states: states, traces: traces) }
    // Gradients go straight to the table where its rows need none of their own.
    let table = lookup.flatMap { $0.isShortcut && !keepsTrace ? $0 : nil }
    let source = table?.table ?? input.tensor
    let parents =
      [source]
      + directions.flatMap { [$0.weights] + ($0.bias.map { [$0] } ?? []) + $0.parameters + $0.initialStates }
    let record = RecurrentRecord(
      call: detached, executor: executor, distinct: distinct, table: table?.detached,
      needsInput: source.isTracked)
    let outputs = [output] + states
    let node = Node(
      of: parents.map(\.origin), outputCount: outputs.count, gradients: { record.gradients($0) })
    let tracked = outputs.enumerated().map { $1.with(origin: Origin(node: node, output: $0)) }
    return RecurrentOutput(output: tracked[0], states: Array(tracked.dropFirst()), traces: traces)
  }

  /// The rows of the table that the input was looked up in, each once, where they may stand in for it; nil where that
  /// does not pay.
  private func distinctRows() -> DistinctRows? {
    guard let lookup = input.lookup, lookup.isShortcut, lookup.owner != nil else { return nil }
    return DistinctRows(lookup, lengths: lengths)
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
    let order = RowOrder(batch: shape[0], timesteps: shape[1], lengths: lengths)
    var blocks = [0..<shape[0]]
    if runBlocks > 1, shape[0] > 0 {
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
      returnsSequences: returnsSequences, padding: padding, keepsTrace: false)
  }
}

extension RecurrentDirection {
  /// Tells whether a parameter or an initial state has a history.
  fileprivate var isTracked: Bool {
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
