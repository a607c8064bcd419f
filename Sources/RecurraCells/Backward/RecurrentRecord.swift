import RecurraTensor

/// What a recurrent operation keeps, and how its gradient goes back.
///
/// On the way back the gates are overwritten by their gradients; when gradients are asked for a second time, the
/// forward pass is run again first.
final class RecurrentRecord<S: FloatingScalar>: @unchecked Sendable {
  private let call: RecurrentCall
  private let executor: Executor<S>
  /// What the input was looked up from, where its gradient goes straight to the table.
  private let distinct: DistinctRows?
  /// The lookup whose table the gradient of the input goes to; nil where it is wanted as it is.
  private let table: TableLookup?
  private let needsInput: Bool
  private var runs: [DirectionRun<S>] { executor.runs }
  /// Guards the buffers of the runs.
  private let turn = Turn()
  /// Tells that the gates are gone.
  private var isSpent = false

  init(
    call: RecurrentCall, executor: Executor<S>, distinct: DistinctRows?, table: TableLookup?, needsInput: Bool
  ) {
    (self.call, self.executor) = (call, executor)
    (self.distinct, self.table, self.needsInput) = (distinct, table, needsInput)
  }

  /// Turns the gradients of the output and of the final states into those of the input, or of the table it was looked
  /// up in, and of each direction's weights, bias and initial states.
  func gradients(_ upstream: [Tensor?]) -> [Gradient?] {
    turn.take { wasLost in
      Threads.withRoom {
        if isSpent || wasLost {
          for run in runs { run.isProjected = false }
          executor.forward(to: nil, width: 0)
        }
        isSpent = true
        return goBack(upstream)
      }
    }
  }

  private func goBack(_ upstream: [Tensor?]) -> [Gradient?] {
    let (units, width, states) = (runs[0].units, runs[0].outputs, runs[0].widths.count)
    let sequence = call.returnsSequences ? upstream[0].map(foldPadding) : nil
    let finals = call.directions.indices.map { place in
      var final = upstream[(1 + place * states)..<(1 + (place + 1) * states)].map { $0?.contiguous }
      if !call.returnsSequences, let last = upstream[0] {
        let own = stoppingAtEmptyRows(last.sliced((place * width)..<((place + 1) * width), axis: 1))
        final[0] = (final[0].map { $0 + own } ?? own).contiguous
      }
      return final
    }
    let memories = call.returnsMemories ? upstream.last.flatMap { $0?.contiguous } : nil
    let gradientRuns = runs.map {
      GradientRun($0, output: sequence, column: $0.place * width, states: finals[$0.place], memories: memories)
    }
    let products = executor.backward(gradientRuns, distinct, needsInput: needsInput)
    var result = [products.input.map(ofTable)]
    for (place, direction) in call.directions.enumerated() {
      result.append(.dense(products.weights[place]))
      if direction.bias != nil {
        result.append(.dense(call.cell.biasGradient(slots: products.biases[place], units: units)))
      }
      if !direction.parameters.isEmpty {
        let own = zip(runs, gradientRuns).filter { $0.0.place == place }
        let vectors = Array(direction.parameters.prefix(direction.vectorCount(runs[0].phases)))
        if !vectors.isEmpty { result += ParameterGradients(own).run(vectors).map(Gradient.dense) }
        result += (vectors.count..<direction.parameters.count).map { products.matrices[place][$0].map(Gradient.dense) }
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

  /// Stops the gradient of the last outputs at rows without timesteps: theirs are zeros, whatever the state.
  private func stoppingAtEmptyRows(_ gradient: Tensor) -> Tensor {
    guard let lengths = call.pieces?.lengths ?? call.lengths, lengths.contains(0) else { return gradient }
    let condition = Tensor(lengths.map { Int32($0) }, shape: [lengths.count, 1])
    return .select(condition, gradient, .zeros(gradient.shape, dtype: S.dtype))
  }

  /// Adds the gradients of repeated outputs at masked timesteps of rows in pieces to the timestep they repeat.
  private func foldMasked(_ gradient: Tensor, _ pieces: SequencePieces) -> Tensor {
    guard call.padding == .repeatsLast else { return gradient }
    let (width, own) = (gradient.shape[2], runs[0].outputs)
    var folded = gradient
    folded.withMutablePointer(of: S.self) { values in
      for (place, direction) in call.directions.enumerated() {
        let columns = values + place * own
        for (index, source) in pieces.repeated(isReversed: direction.isReversed).enumerated()
        where source >= 0 && source != index {
          for u in 0..<own { columns[source * width + u] += columns[index * width + u] }
        }
      }
    }
    return folded
  }

  /// Adds the gradients of repeated outputs at padded timesteps to the timestep they repeat.
  private func foldPadding(_ gradient: Tensor) -> Tensor {
    let dense = gradient.contiguous
    if let pieces = call.pieces { return foldMasked(dense, pieces) }
    let forward = call.directions.indices.filter { !call.directions[$0].isReversed }
    guard call.padding == .repeatsLast, let lengths = call.lengths, lengths.contains(where: { $0 < dense.shape[1] }),
      !forward.isEmpty
    else { return dense }
    let (timesteps, width, units) = (dense.shape[1], dense.shape[2], runs[0].outputs)
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
