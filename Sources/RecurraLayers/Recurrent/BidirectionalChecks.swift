internal import RecurraTensor

/// Which layers can be the directions of a `Bidirectional`.
extension Bidirectional {
  /// Says why layers cannot be the directions of one.
  static func mismatch(
    _ forward: [any RecurrentLayer], _ backward: [any RecurrentLayer]?, _ merge: Merge
  ) -> (expected: String, got: String)? {
    guard let top = forward.last else { return ("at least one layer each way", "none") }
    if forward.contains(where: { $0.options.goBackwards }) {
      return ("a layer that reads from the beginning", "one with goBackwards")
    }
    if Set((forward + (backward ?? [])).map(\.options.stateful)).count > 1 {
      return ("layers that are all stateful or none", "some that are")
    }
    if (forward + (backward ?? [])).contains(where: \.options.returnMemories) {
      return ("layers without returnMemories", "one with")
    }
    let all = (forward + (backward ?? [])).map { ObjectIdentifier($0) }
    if Set(all).count != all.count { return (all.count == 2 ? "two layers" : "each layer once", "one layer twice") }
    guard let backward else { return nil }
    guard backward.count == forward.count, let other = backward.last else {
      return ("as many layers back as forward", "\(backward.count) and \(forward.count)")
    }
    if !backward.allSatisfy({ $0.options.goBackwards }) { return ("a backward layer with goBackwards", "one without") }
    let (first, second) = (top.options, other.options)
    if first.returnSequences != second.returnSequences || first.returnState != second.returnState {
      return ("layers that agree in returnSequences and returnState", "layers that do not")
    }
    if merge != .concat, merge != .none, top.outputWidth != other.outputWidth {
      return ("layers of one size for merge \(merge)", "\(first.units) and \(second.units) units")
    }
    return nil
  }

  /// What must be equal for two layers to be one operation: all but how they begin, whether they have a bias, and what
  /// this layer says for both.
  static func kind(_ layer: any RecurrentLayer) -> [String: JSONValue] {
    let free = [
      "kernel_initializer", "recurrent_initializer", "bias_initializer", "unit_forget_bias", "use_bias",
      "go_backwards", "return_sequences", "return_state", "zero_output_for_mask",
    ]
    var kind = layer.configuration.filter { !free.contains($0.key) }
    kind["class_name"] = .string(type(of: layer).typeName)
    return kind
  }
}
