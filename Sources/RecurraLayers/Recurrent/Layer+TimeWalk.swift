internal import RecurraCells
internal import RecurraTensor

/// How recurrent layers go over the timesteps of what they read.
extension Layer {
  /// How recurrent layers walk over an input's timesteps.
  func walk(over input: Signal, _ context: ForwardContext) throws(RecurraError) -> TimeWalk {
    TimeWalk(
      lengths: input.lengths, pieces: try pieces(of: input),
      chunks: context.unrolling.chunks(timesteps: input.shape.count > 1 ? input.shape[1] : 1))
  }

  /// What the rows of an input consist of; nil where their mask has no holes and they begin anew nowhere.
  private func pieces(of input: Signal) throws(RecurraError) -> SequencePieces? {
    guard input.mask.hasHoles || input.mask.hasResets, input.shape.count == 3 else { return nil }
    let (rows, timesteps) = (input.shape[0], input.shape[1])
    guard MemoryLimit.bytes(rows, timesteps) <= Int(Int32.max) else {
      throw failure(expected: "less than 2³¹ timesteps behind a mask with holes", got: "input \(input.shape)")
    }
    return SequencePieces(
      rows: rows, timesteps: timesteps, flags: input.mask.flags(rows, timesteps), marks: input.mask.resets?.marks,
      beginsByItself: input.mask.resets?.state == .own)
  }

  /// Refuses rows in pieces, where what goes on inside is shown timestep by timestep.
  func refusePieces(_ input: Signal) throws(RecurraError) {
    guard input.mask.hasHoles || input.mask.hasResets else { return }
    throw failure(
      expected: "a mask without holes and resets, to look inside",
      got: input.mask.hasHoles ? "one with holes" : "one with resets")
  }
}
