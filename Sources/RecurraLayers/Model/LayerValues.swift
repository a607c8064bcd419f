internal import RecurraCells
public import RecurraTensor

/// Layers in terms of lists of values: what most layers need not write themselves.
extension Layer {
  /// 1; for a recurrent layer one for each state besides that it returns, and one for its memories or a direction kept
  /// apart.
  public var outputCount: Int {
    guard let parts = recurrentParts else { return 1 }
    return 1 + (parts.keepsDirectionsApart || parts.options.returnMemories ? 1 : 0)
      + (parts.options.returnState ? parts.stateCount : 0)
  }

  /// Builds the layer for the shape of its first input: initial states have no parameters of their own.
  public func build(inputShapes: [[Int?]], random: RandomSource, dtype: DType) throws(RecurraError) {
    try checkInputCount(inputShapes.count)
    try build(inputShape: inputShapes[0], random: random, dtype: dtype)
  }

  /// That of `outputShape(for:)`, and [B, H] for every state that a recurrent layer returns.
  public func outputShapes(for inputShapes: [[Int?]]) throws(RecurraError) -> [[Int?]] {
    try checkInputCount(inputShapes.count)
    let shape = try outputShape(for: inputShapes[0])
    guard let parts = recurrentParts else { return [shape] }
    let states = parts.stateUnits.map { [inputShapes[0][0], $0] }
    for (given, wanted) in zip(inputShapes.dropFirst(), states) where !fits(given, wanted) {
      throw failure(expected: "an initial state \(text(of: wanted))", got: text(of: given))
    }
    var values = [shape] + (parts.keepsDirectionsApart ? [shape] : [])
    if parts.options.returnMemories, let top = parts.forward.last, top.cell.stateCount > 1 {
      values.append(shape.dropLast() + [top.cell.stateWidths(units: top.options.units)[1]])
    }
    return values + (parts.options.returnState ? states : [])
  }

  /// Calls `forward(_:_:)` with the first value; further ones are the initial states of a recurrent layer.
  public func forward(_ inputs: [Value], _ context: ForwardContext) throws(RecurraError) -> [Value] {
    try checkInputCount(inputs.count)
    let states = inputs.dropFirst().map(\.tensor)
    let output = try forward(Signal(inputs[0].source, mask: inputs[0].mask, states: states), context)
    return try checked(output.values)
  }

  /// Calls `forward(_:_:)` with the tensor; the mask goes on where batch and time are still the first two axes.
  public func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    let output = try forward(input.value, context)
    let hasTimesteps = output.rank > 1 && output.shape.prefix(2) == input.shape.prefix(2)
    return Signal(output, mask: hasTimesteps ? input.mask : .all, states: input.states)
  }

  /// Refuses to run: a layer has to write one of the three ways to go forward.
  public func forward(_ input: Tensor, _ context: ForwardContext) throws(RecurraError) -> Tensor {
    throw failure(.badArgument, expected: "a layer with forward(_:_:)", got: "one without")
  }

  /// Refuses more inputs than one and the initial states.
  func checkInputCount(_ count: Int) throws(RecurraError) {
    let states = recurrentParts?.stateCount ?? 0
    guard count != 1, states == 0 || count != 1 + states else { return }
    throw failure(
      expected: states == 0 ? "one input" : "one input, or one and \(states) initial states", got: "\(count)")
  }
}

/// Tells whether a shape may be the wanted one; an extent that is not known fits any.
func fits(_ shape: [Int?], _ wanted: [Int?]) -> Bool {
  shape.count == wanted.count && zip(shape, wanted).allSatisfy { $0 == nil || $1 == nil || $0 == $1 }
}
