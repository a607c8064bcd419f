public import RecurraTensor

/// What is checked before a model is built, and said when that fails.
extension Sequential {
  /// What most likely has to be done when a layer does not take the shape that the layers before it give.
  func remedy(_ index: Int, _ shape: [Int?]) -> String? {
    guard shape.count == 2, let last = layers[..<index].lastIndex(where: { Self.endsSequences($0) }) else { return nil }
    return "set returnSequences on the layer before, \(layerNames[last].excerpt)"
  }

  /// Tells whether a layer gives out the last timestep alone.
  private static func endsSequences(_ layer: any Layer) -> Bool {
    if let model = layer.network { return model.layers.contains { endsSequences($0) } }
    return layer.recurrentParts?.options.returnSequences == false
  }

  /// Refuses a model without layers, a layer that stands in it twice, and outputs that the next layer would take for
  /// something else.
  public func checkSettings() throws(RecurraError) {
    guard !layers.isEmpty else { throw failure(.badArgument, expected: "at least one layer", got: "none") }
    var seen: Set<ObjectIdentifier> = []
    if let twice = layers.firstIndex(where: { !seen.insert(ObjectIdentifier($0)).inserted }) {
      throw failure(.badArgument, expected: "each layer once", got: "one again as \(layerNames[twice].excerpt)")
    }
    for (index, layer) in layers.enumerated() {
      let following = layers[(index + 1)...]
      if Self.returnsState(layer), following.contains(where: { Self.isRecurrent($0) }) {
        throw RecurraError(
          .badArgument, operation: layerNames[index], expected: "returnState on the last recurrent layer only",
          got: "a recurrent layer behind it")
      }
      if layer.recurrentParts?.keepsDirectionsApart == true, !following.isEmpty {
        throw RecurraError(
          .badArgument, operation: layerNames[index], expected: "directions kept apart in the last layer only",
          got: "a layer behind it")
      }
    }
  }

  /// Tells whether a layer takes states from the one before.
  private static func isRecurrent(_ layer: any Layer) -> Bool {
    if let model = layer.network { return model.layers.contains { isRecurrent($0) } }
    return layer.recurrentParts != nil
  }

  /// Tells whether a layer hands states to the next one.
  private static func returnsState(_ layer: any Layer) -> Bool {
    if let model = layer.network { return model.layers.contains { returnsState($0) } }
    return layer.recurrentParts?.options.returnState == true
  }
}
