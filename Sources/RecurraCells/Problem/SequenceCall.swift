import RecurraTensor

/// One call of a recurrent layer, whatever its cell, the shape of its rows and the way its gradients go back.
struct SequenceCall: Sendable {
  let cell: any RecurrentCell
  let directions: [RecurrentDirection]
  let input: InputSource
  let walk: TimeWalk
  let returnsSequences: Bool
  let padding: PaddedOutput
  var returnsMemories = false
  var keepsTrace = false

  func run() -> RecurrentOutput {
    let isTracked = input.isTracked || directions.contains(where: \.isTracked)
    if let chunks = walk.chunks, isTracked, !keepsTrace {
      if let pieces = walk.pieces { return chunked(pieces, chunks) }
      if input.shape[1] > chunks.size { return ChunkedCall(self, chunks).run() }
    }
    switch cell.arithmetic {
    case .composed(let cell):
      return ComposedCall(
        cell: cell, directions: directions, input: input.tensor, lengths: walk.lengths, pieces: walk.pieces,
        returnsSequences: returnsSequences, padding: padding, returnsMemories: returnsMemories, keepsTrace: keepsTrace
      ).run()
    case .gated(let cell):
      if let pieces = walk.pieces { return inPieces(cell, pieces) }
      return call(cell, directions, lengths: walk.lengths)
    }
  }

  private func call(
    _ cell: any GatedCell, _ directions: [RecurrentDirection], lengths: [Int]?, pieces: SequencePieces? = nil
  ) -> RecurrentOutput {
    let call = RecurrentCall(
      cell: cell, directions: directions, input: input, lengths: lengths, pieces: pieces,
      returnsSequences: returnsSequences, padding: padding, returnsMemories: returnsMemories, keepsTrace: keepsTrace)
    return input.dtype == .float32 ? call.run(Float.self) : call.run(Double.self)
  }

  /// Runs the pieces of the rows where they lie.
  private func inPieces(_ cell: any GatedCell, _ pieces: SequencePieces) -> RecurrentOutput {
    let result = call(cell, directions.map(pieces.starting), lengths: nil, pieces: pieces)
    return ofRows(result, pieces, output: result.output, memories: result.memories)
  }

  /// Runs the pieces of the rows side by side, stretch by stretch.
  private func chunked(_ pieces: SequencePieces, _ chunks: TimeChunks) -> RecurrentOutput {
    let width = pieces.lengths.max() ?? 0
    guard width > 0 else {
      return SequenceCall(
        cell: cell, directions: directions, input: input, walk: TimeWalk(pieces: pieces),
        returnsSequences: returnsSequences, padding: padding, returnsMemories: returnsMemories
      ).run()
    }
    let result = SequenceCall(
      cell: cell, directions: directions.map(pieces.starting), input: input.rearranged(pieces.sideBySide),
      walk: TimeWalk(lengths: pieces.lengths, chunks: chunks), returnsSequences: returnsSequences, padding: .zero,
      returnsMemories: returnsMemories
    ).run()
    let memories = result.memories.map(pieces.spread)
    guard returnsSequences else { return ofRows(result, pieces, output: result.output, memories: memories) }
    let columns = result.output.shape[2] / directions.count
    let outputs = directions.enumerated().map { place, direction in
      let own =
        directions.count == 1
        ? result.output : result.output.sliced(place * columns..<(place + 1) * columns, axis: 2)
      let spread = pieces.spread(own)
      return padding == .zero ? spread : spread.repeating(pieces.repeated(isReversed: direction.isReversed))
    }
    return ofRows(
      result, pieces, output: outputs.count == 1 ? outputs[0] : .concatenated(outputs, axis: 2), memories: memories)
  }

  /// What the rows give out, of what their pieces do.
  private func ofRows(
    _ result: RecurrentOutput, _ pieces: SequencePieces, output: Tensor, memories: Tensor?
  ) -> RecurrentOutput {
    guard !pieces.areRows else { return RecurrentOutput(output: output, states: result.states, memories: memories) }
    let count = result.states.count / directions.count
    let states = result.states.enumerated().map {
      pieces.rows($1, isReversed: directions[$0 / count].isReversed)
    }
    guard !returnsSequences else { return RecurrentOutput(output: output, states: states, memories: memories) }
    let columns = output.shape[1] / directions.count
    let last = directions.enumerated().map { place, direction in
      let own = directions.count == 1 ? output : output.sliced(place * columns..<(place + 1) * columns, axis: 1)
      return pieces.rows(own, isReversed: direction.isReversed)
    }
    return RecurrentOutput(
      output: last.count == 1 ? last[0] : .concatenated(last, axis: 1), states: states, memories: memories)
  }
}

extension Tensor {
  /// The tensor [B, T, W] whose timesteps are those numbered `sources`, counted over all rows; its own where that is
  /// negative.
  func repeating(_ sources: [Int]) -> Tensor {
    let places = sources.enumerated().map { Int32($1 < 0 ? $0 : $1) }
    return reshaped([shape[0] * shape[1], shape[2]]).gathered(Tensor(places, shape: [shape[0], shape[1]]))
  }
}

extension SequencePieces {
  /// The places of the pieces' timesteps, [P, longest]; any behind a piece's end.
  fileprivate var sideBySide: Tensor {
    let width = lengths.max() ?? 0
    var laid: [Int32] = []
    laid.reserveCapacity(count * width)
    for (start, length) in zip(starts, lengths) {
      laid.append(contentsOf: places[start..<start + length])
      laid.append(contentsOf: repeatElement(0, count: width - length))
    }
    return Tensor(laid, shape: [count, width])
  }

  /// Outputs [P, longest, W] at their timesteps, [B, T, W]; zeros where none is.
  fileprivate func spread(_ output: Tensor) -> Tensor {
    let width = output.shape[1]
    let nothing = Int32(count * width)
    var targets = [Int32](repeating: nothing, count: rows * timesteps)
    for (piece, length) in lengths.enumerated() {
      for step in 0..<length { targets[Int(places[starts[piece] + step])] = Int32(piece * width + step) }
    }
    let flat = output.reshaped([count * width, output.shape[2]])
    return Tensor.concatenated([flat, .zeros([1, output.shape[2]], dtype: output.dtype)]).gathered(
      Tensor(targets, shape: [rows, timesteps]))
  }
}
