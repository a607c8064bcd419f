import RecurraTensor

/// One call of a recurrent layer that is gone through stretch by stretch: no gradient goes from one to the one before,
/// or only the states between them are kept and all else is computed a second time on the way back.
///
/// Forward it is, to the bit, the call in one go: a stretch begins with the states that the one before it ended with.
struct ChunkedCall: Sendable {
  private let call: SequenceCall
  private let chunks: TimeChunks

  init(_ call: SequenceCall, _ chunks: TimeChunks) { (self.call, self.chunks) = (call, chunks) }

  func run() -> RecurrentOutput {
    let results = Guarded<[RecurrentOutput?]>(call.directions.map { _ in nil })
    let choice = MultiplierChoice.current
    Threads.run(call.directions.count) { index in
      let stretches = Stretches(call, call.directions[index], chunks)
      let result = MultiplierChoice.with(choice) {
        chunks.recomputes ? RecomputedCall(stretches).run() : stretches.runAll()
      }
      results.withLock { $0[index] = result }
    }
    let done = results.withLock { $0 }.compactMap { $0 }
    var outputs = done.map(\.output)
    if call.returnsSequences, call.padding == .repeatsLast, let lengths = call.walk.lengths {
      outputs = zip(call.directions, outputs).map { $0.isReversed ? $1 : $1.repeatingLast(lengths) }
    }
    let memories = done.compactMap(\.memories)
    return RecurrentOutput(
      output: outputs.count == 1 ? outputs[0] : .concatenated(outputs, axis: -1), states: done.flatMap(\.states),
      memories: memories.count > 1 ? .concatenated(memories, axis: -1) : memories.first)
  }
}

extension Tensor {
  /// The outputs [B, T, W] with each row's last valid one again behind its end.
  fileprivate func repeatingLast(_ lengths: [Int]) -> Tensor {
    let timesteps = shape[1]
    guard lengths.contains(where: { $0 < timesteps }) else { return self }
    var sources: [Int] = []
    sources.reserveCapacity(shape[0] * timesteps)
    for (row, length) in lengths.enumerated() {
      for time in 0..<timesteps { sources.append(length == 0 ? -1 : row * timesteps + Swift.min(time, length - 1)) }
    }
    return repeating(sources)
  }
}
