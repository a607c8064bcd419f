internal import CRecurraKernels
import RecurraTensor
internal import Synchronization

/// What a recurrent operation keeps, and how its gradient goes back.
///
/// On the way back the gates are overwritten by their gradients; when gradients are asked for a second time, the forward pass is
/// run again first.
final class RecurrentRecord<S: FloatingScalar>: @unchecked Sendable {
  private let call: RecurrentCall
  private let plan: Plan
  private let runs: [DirectionRun<S>]
  private let needsInput: Bool
  /// Guards the buffers of the runs; true once the gates are gone.
  private let isSpent = Mutex(false)

  init(call: RecurrentCall, plan: Plan, runs: [DirectionRun<S>], needsInput: Bool) {
    (self.call, self.plan, self.runs, self.needsInput) = (call, plan, runs, needsInput)
  }

  /// Turns the gradients of the output and of the final states into those of the input and of each direction's weights, bias and
  /// initial states.
  func gradients(_ upstream: [Tensor?]) -> [Tensor?] {
    isSpent.withLock { isSpent in
      if isSpent {
        for run in runs { run.isProjected = false }
        ForwardPass(runs: runs, plan: plan, output: nil, width: 0).run()
      }
      isSpent = true
      return goBack(upstream)
    }
  }

  private func goBack(_ upstream: [Tensor?]) -> [Tensor?] {
    let (units, states) = (runs[0].units, call.cell.stateCount)
    let sequence = call.returnsSequences ? upstream[0].map(foldPadding) : nil
    let gradientRuns = runs.enumerated().map { index, run in
      var final = upstream[(1 + index * states)..<(1 + (index + 1) * states)].map { $0?.contiguous }
      if !call.returnsSequences, let last = upstream[0] {
        let own = stoppingAtEmptyRows(last.sliced((index * units)..<((index + 1) * units), axis: 1))
        final[0] = (final[0].map { $0 + own } ?? own).contiguous
      }
      return GradientRun(run, output: sequence, column: index * units, states: final)
    }
    let products = loopBack(gradientRuns)
    var result: [Tensor?] = [products.input]
    for (index, run) in runs.enumerated() {
      result.append(products.weights[index])
      if run.direction.bias != nil {
        result.append(call.cell.biasGradient(slots: products.biases[index], units: units))
      }
      for state in run.direction.initialStates.indices {
        result.append(gradientRuns[index].initialStateGradient(state))
      }
    }
    return result
  }

  /// Goes back through the loop, and computes the products over all timesteps.
  private func loopBack(_ gradientRuns: [GradientRun<S>]) -> SequenceGradients {
    if let kernels = plan.kernels, let runs = runs as? [DirectionRun<Float>],
      let gradientRuns = gradientRuns as? [GradientRun<Float>]
    {
      return loopBackPacked(runs, gradientRuns, kernels)
    }
    Streams.run(runs.count * plan.rowBlocks) { piece in
      let (index, layout) = (piece % runs.count, runs[piece % runs.count].layout)
      TimeLoop.backward(
        runs[index], steps: 0..<layout.steps, rows: plan.rows(piece / runs.count, layout),
        by: OpenBLASMultiplier(runs[index], gradients: gradientRuns[index])
      ) { true }
    }
    return WeightGradients(runs, needsInput: needsInput).run()
  }

  private func loopBackPacked(
    _ runs: [DirectionRun<Float>], _ gradientRuns: [GradientRun<Float>], _ kernels: RecurraCellKernels
  ) -> SequenceGradients {
    let layouts = PackedWeights.packed(
      needsInput ? [.backward, .input] : [.backward], of: runs.map(\.direction), kernels, inputs: runs[0].inputs,
      units: runs[0].units)
    let packed = layouts[0]
    let panels = kernels.backwardPanels(runs[0].units)
    func multiplier(_ index: Int, _ share: Range<Int>) -> PackedMultiplier {
      PackedMultiplier(
        runs[index], kernels: kernels, packed: packed[index], panels: share, gradients: gradientRuns[index])
    }
    let products = PackedGradients(runs, kernels, inputWeights: needsInput ? layouts[1] : nil)
    // The products of a stretch of steps follow at once, while what they read is in the cache.
    for steps in products.stretches.reversed() {
      if plan.unitShares > 1, runs[0].layout.order == nil {
        let saving = plan.sharingSaves * steps.count * runs.count
        Streams.runTogether(plan.unitShares, saving: saving) { rank, size, barrier in
          let share = (panels * rank / size)..<(panels * (rank + 1) / size)
          var isTogether = true
          for (index, run) in runs.enumerated() {
            let rows = 0..<run.layout.batch
            var left: Range<Int>? = steps
            if isTogether {
              left = TimeLoop.backward(run, steps: steps, rows: rows, by: multiplier(index, share)) {
                isTogether = barrier.waitUnlessHeldUp(rank)
                return isTogether
              }
            }
            guard let left else { continue }
            if rank > 0 { return }
            TimeLoop.backward(run, steps: left, rows: rows, by: multiplier(index, 0..<panels)) { true }
          }
        }
      } else {
        Streams.run(runs.count * plan.rowBlocks) { piece in
          let index = piece % runs.count
          TimeLoop.backward(
            runs[index], steps: steps, rows: plan.rows(piece / runs.count, runs[index].layout),
            by: multiplier(index, 0..<panels)
          ) { true }
        }
      }
      products.add(steps)
    }
    return products.result()
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
    let forward = runs.indices.filter { !runs[$0].layout.isReversed }
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
