internal import RecurraCells
internal import RecurraTensor

/// States that a layer carries from call to call.
extension RecurrentLayer {
  /// The states that a call begins with: those given, or those that the last call of a stateful layer ended with; none
  /// for where the layer begins by itself.
  ///
  /// - Throws: `badData` for another number of rows than that call had.
  func states(toBegin input: Signal) throws(RecurraError) -> [Tensor] {
    guard options.stateful, input.states.isEmpty else { return input.states }
    let carried = state.carried.withLock { $0 }
    guard let rows = carried.first?.shape[0], input.shape.first != rows else { return carried }
    throw failure(
      expected: "\(rows) rows, as in the call before (reset() begins anew)", got: "input \(input.shape)")
  }

  /// Keeps the numbers of a call's final states for the next one, where the layer is stateful.
  func carry(_ states: [Tensor]) {
    guard options.stateful else { return }
    let numbers = states.map(\.detached)
    state.carried.withLock { $0 = numbers }
  }
}

extension Layer {
  /// Lets the next call of every stateful layer, in this one or itself, begin with its initial state.
  ///
  /// A stateful layer belongs to one caller at a time: of two calls at once the later one's states stay.
  public func reset() {
    for layer in recurrentLayers { layer.state.carried.withLock { $0 = [] } }
    for (_, layer) in sublayers { layer.reset() }
  }

  /// Tells whether a call depends on the calls before it.
  public var isStateful: Bool {
    recurrentLayers.contains(where: \.options.stateful) || sublayers.contains(where: \.layer.isStateful)
  }

  private var recurrentLayers: [any RecurrentLayer] {
    recurrentParts.map { $0.forward + $0.backward } ?? []
  }

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
