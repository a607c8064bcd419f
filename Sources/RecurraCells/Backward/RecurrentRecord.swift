internal import CRecurraKernels
import RecurraTensor

/// What a recurrent operation keeps, and how its gradient goes back.
///
/// On the way back the gates are overwritten by their gradients; when gradients are asked for a second time, the
/// forward pass is run again first.
final class RecurrentRecord<S: FloatingScalar>: @unchecked Sendable {
  private let call: RecurrentCall
  private let plan: Plan
  private let runs: [DirectionRun<S>]
  /// What the input was looked up from, where its gradient goes straight to the table.
  private let distinct: DistinctRows?
  /// The lookup whose table the gradient of the input goes to; nil where it is wanted as it is.
  private let table: TableLookup?
  private let needsInput: Bool
  /// Guards the buffers of the runs.
  private let turn = Turn()
  /// Tells that the gates are gone.
  private var isSpent = false

  init(
    call: RecurrentCall, plan: Plan, runs: [DirectionRun<S>], distinct: DistinctRows?, table: TableLookup?,
    needsInput: Bool
  ) {
    (self.call, self.plan, self.runs) = (call, plan, runs)
    (self.distinct, self.table, self.needsInput) = (distinct, table, needsInput)
  }

  /// Turns the gradients of the output and of the final states into those of the input, or of the table it was looked
  /// up in, and of each direction's weights, bias and initial states.
  func gradients(_ upstream: [Tensor?]) -> [Gradient?] {
    turn.take { wasLost in
      Threads.withRoom {
        if isSpent || wasLost {
          for run in runs { run.isProjected = false }
          ForwardPass(runs: runs, plan: plan, output: nil, width: 0).run()
        }
        isSpent = true
        return goBack(upstream)
      }
    }
  }

  private func goBack(_ upstream: [Tensor?]) -> [Gradient?] {
    let (units, states) = (runs[0].units, call.cell.stateCount)
    let sequence = call.returnsSequences ? upstream[0].map(foldPadding) : nil
    let finals = call.directions.indices.map { place in
      var final = upstream[(1 + place * states)..<(1 + (place + 1) * states)].map { $0?.contiguous }
      if !call.returnsSequences, let last = upstream[0] {
        let own = stoppingAtEmptyRows(last.sliced((place * units)..<((place + 1) * units), axis: 1))
        final[0] = (final[0].map { $0 + own } ?? own).contiguous
      }
      return final
    }
    let gradientRuns = runs.map {
      GradientRun($0, output: sequence, column: $0.place * units, states: finals[$0.place])
    }
    let products = loopBack(gradientRuns)
    var result = [products.input.map(ofTable)]
    for (place, direction) in call.directions.enumerated() {
      result.append(.dense(products.weights[place]))
      if direction.bias != nil {
        result.append(.dense(call.cell.biasGradient(slots: products.biases[place], units: units)))
      }
      for (state, given) in direction.initialStates.enumerated() {
        result.append(
          .dense(
            Tensor(given.shape, of: S.self) { gradient in
              for (run, own) in zip(runs, gradientRuns) where run.place == place {
                own.writeInitialStateGradient(state, to: gradient)
              }
            }))
      }
    }
    return result
  }

  /// The gradients of vectors as those of the rows of the table that they are.
  private func ofTable(_ gradient: Gradient) -> Gradient {
    guard let table, case .dense(let vectors) = gradient else { return gradient }
    return .rows(RowGradient(indices: table.ids, values: vectors, shape: table.table.shape))
  }

  /// Goes back through the loop, and computes the products over all timesteps.
  private func loopBack(_ gradientRuns: [GradientRun<S>]) -> SequenceGradients {
    if let kernels = plan.kernels, let runs = runs as? [DirectionRun<Float>],
      let gradientRuns = gradientRuns as? [GradientRun<Float>]
    {
      return loopBackPacked(runs, gradientRuns, kernels)
    }
    Threads.run(runs.count * plan.rowBlocks) { piece in
      let (index, layout) = (piece % runs.count, runs[piece % runs.count].layout)
      TimeLoop.backward(
        runs[index], steps: 0..<layout.steps, rows: plan.rows(piece / runs.count, layout),
        by: OpenBLASMultiplier(runs[index], gradients: gradientRuns[index])
      ) { _ in true }
    }
    return WeightGradients(runs, needsInput: needsInput).run()
  }

  private func loopBackPacked(
    _ runs: [DirectionRun<Float>], _ gradientRuns: [GradientRun<Float>], _ kernels: RecurraCellKernels
  ) -> SequenceGradients {
    // Once, for somebody may set it meanwhile.
    let threads = Threads.count
    let (inputs, units) = (runs[0].inputs, runs[0].units)
    let sharesUnits = plan.unitShares > 1 && runs[0].layout.order == nil
    let isEachAlone = !sharesUnits && runs.count >= threads
    let layouts = PackedWeights.packed(
      needsInput ? [.backward, .input] : [.backward], of: directions(runs), kernels, inputs: inputs, units: units)
    let panels = kernels.backwardPanels(units)
    let scratch = Scratch.of(kernels, rows: runs.lazy.map(\.layout.batch).max() ?? 0)
    let products = PackedGradients(
      runs, kernels, distinct, inputWeights: layouts.count > 1 ? layouts[1] : nil, threads: threads,
      isShared: !isEachAlone)
    @discardableResult
    func loop<Result>(
      _ index: Int, _ share: Range<Int>, _ body: (PackedMultiplier) -> Result
    ) -> Result {
      scratch.lend { scratch in
        body(
          PackedMultiplier(
            runs[index], kernels: kernels, packed: layouts[0][runs[index].place], panels: share,
            gradients: gradientRuns[index], scratch: scratch))
      }
    }
    let rowNanoseconds = Plan.nanoseconds(weights: runs[0].slots * units, slots: runs[0].slots)
    let rows = runs.reduce(0) { $0 + $1.layout.batch }
    func goBack(_ part: PackedGradients.Part, _ rows: Range<Int>, _ handover: Handover) {
      let run = runs[part.run]
      let division = Division(handover: handover, layout: run.layout, rowNanoseconds: rowNanoseconds)
      division.run(part.steps, rows) { steps, rows in
        loop(part.run, 0..<panels) { multiplier in
          TimeLoop.backward(run, steps: steps, rows: rows, by: multiplier) { left in
            !division.isDue(rows, left: left)
          }
        }
      }
    }
    if sharesUnits {
      for part in products.parts.joined() {
        shareUnits(part, runs[part.run], panels) { share, body in loop(part.run, share, body) }
        products.add([part])
      }
    } else if isEachAlone {
      // Each run by itself, with all that follows: nothing is waited for, and nobody reads what another has just
      // written. Of those that a thread took on the way forward the last first: its caches still hold what it kept of
      // them.
      plan.run(runs.count, rows: rows, lasting: 3 * plan.lasting) { place, handover in
        let (turn, thread) = (place / threads, place % threads)
        let index = ((runs.count - 1 - thread) / threads - turn) * threads + thread
        for part in products.parts[index] {
          goBack(part, 0..<runs[index].layout.batch, handover)
          products.add(part, handover)
        }
      }
    } else {
      for parts in products.sideBySide {
        let lasting = rowNanoseconds * parts.reduce(0) { $0 + $1.steps.count * runs[$1.run].layout.batch }
        plan.run(parts.count * plan.rowBlocks, rows: rows, lasting: lasting) { piece, handover in
          let part = parts[piece % parts.count]
          goBack(part, plan.rows(piece / parts.count, runs[part.run].layout), handover)
        }
        products.add(parts)
      }
    }
    return products.result()
  }

  /// Goes back through a part of a run on threads that share the units of every step.
  private func shareUnits(
    _ part: PackedGradients.Part, _ run: DirectionRun<Float>, _ panels: Int,
    _ loop: (_ share: Range<Int>, _ body: (PackedMultiplier) -> Range<Int>?) -> Range<Int>?
  ) {
    let rows = 0..<run.layout.batch
    Threads.runTogether(plan.unitShares, saving: plan.sharingSaves * part.steps.count) { rank, size, barrier in
      let share = (panels * rank / size)..<(panels * (rank + 1) / size)
      let member = Rendezvous(barrier, rank)
      let left = loop(share) { multiplier in
        TimeLoop.backward(run, steps: part.steps, rows: rows, by: multiplier) { _ in member.meet() }
      }
      if let left, rank == 0 {
        _ = loop(0..<panels) { TimeLoop.backward(run, steps: left, rows: rows, by: $0) { _ in true } }
      }
    }
  }

  /// Stops the gradient of the last outputs at rows without timesteps: theirs are zeros, whatever the state.
  private func stoppingAtEmptyRows(_ gradient: Tensor) -> Tensor {
    guard let lengths = call.lengths, lengths.contains(0) else { return gradient }
    let condition = Tensor(lengths.map { Int32($0) }, shape: [lengths.count, 1])
    return .select(condition, gradient, .zeros(gradient.shape, dtype: S.dtype))
  }

  /// Adds the gradients of repeated outputs at padded timesteps to the timestep they repeat.
  private func foldPadding(_ gradient: Tensor) -> Tensor {
    let dense = gradient.contiguous
    let forward = call.directions.indices.filter { !call.directions[$0].isReversed }
    guard call.padding == .repeatsLast, let lengths = call.lengths, lengths.contains(where: { $0 < dense.shape[1] }),
      !forward.isEmpty
    else { return dense }
    let (timesteps, width, units) = (dense.shape[1], dense.shape[2], runs[0].units)
    var folded = dense
    folded.withMutablePointer(of: S.self) { values in
      for (row, length) in lengths.enumerated() where length > 0 && length < timesteps {
        for column in forward.map({ $0 * units }) {
          let last = values + (row * timesteps + length - 1) * width + column
          for time in length..<timesteps {
            let padded = values + (row * timesteps + time) * width + column
            for u in 0..<units { last[u] += padded[u] }
          }
        }
      }
    }
    return folded
  }
}
