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
}
