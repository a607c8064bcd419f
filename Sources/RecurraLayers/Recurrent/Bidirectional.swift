public import RecurraCells
public import RecurraTensor

/// Reads every sequence both ways with two recurrent layers at the same time, and merges what they give out.
///
/// The outputs of the backward layer are put in the order of time before the merge. Where sequences are padded, the
/// backward layer begins at each row's last valid timestep, and the output at padded timesteps is 0.
///
/// - Shapes: `input` [B, T, I]; result [B, T, 2H] or [B, 2H] for `.concat`, else [B, T, H] or [B, H]. States: those of
///   the forward layer, then those of the backward layer.
/// - Throws: `badData` for an input or initial state of another shape or type, and for zero timesteps.
///   Building throws `badArgument` for layers that cannot be the directions of one.
/// - Complexity: that of both layers. Two that agree in every argument of their configuration, but for how they begin
///   and whether they have a bias, are one operation, whose directions run on separate threads; others run one after
///   the other. A layer of one's own must name every setting that its cell depends on there.
/// - Source: Schuster & Paliwal 1997; names and defaults as `keras.layers.Bidirectional`.
public final class Bidirectional: Layer {
  /// Says how the outputs of the two directions are merged; raw values are Keras'.
  public enum Merge: String, Sendable, CaseIterable {
    /// Side by side: forward, then backward.
    case concat
    /// Added.
    case sum
    /// Averaged.
    case average = "ave"
    /// Multiplied.
    case multiply = "mul"
    /// Kept apart: the output is the forward layer's, the backward layer's follows in `Signal.furtherValues`.
    case none
  }

  /// Names the class as Keras does.
  public static var typeName: String { "Bidirectional" }

  /// The layer that reads from the beginning.
  public let forwardLayer: any RecurrentLayer
  /// The layer that reads from the end.
  public let backwardLayer: any RecurrentLayer
  /// How the two outputs are merged.
  public let merge: Merge
  private let hasOwnBackwardLayer: Bool
  /// Why the two layers cannot be the directions of one; nil when they can.
  private let mismatch: (expected: String, got: String)?
  /// Two layers of one kind and size are one operation; others are run one after the other.
  private let runsAsOne: Bool

  /// Makes a layer that reads both ways.
  ///
  /// - Parameters:
  ///   - layer: the forward layer.
  ///   - merge: how the two outputs are merged.
  ///   - backwardLayer: a layer with `goBackwards`; one like `layer` when left out.
  public init(_ layer: any RecurrentLayer, merge: Merge = .concat, backwardLayer: (any RecurrentLayer)? = nil) {
    forwardLayer = layer
    mismatch = Self.mismatch(layer, backwardLayer, merge)
    self.backwardLayer = backwardLayer ?? layer.reversed()
    self.merge = merge
    hasOwnBackwardLayer = backwardLayer != nil
    runsAsOne = backwardLayer.map { Self.kind($0) == Self.kind(layer) } ?? true
  }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    func recurrent(_ name: String) throws(RecurraError) -> any RecurrentLayer {
      let layer = try configuration.layer(name)
      if let layer = layer as? any RecurrentLayer { return layer }
      throw configuration.failure(name, expected: "a recurrent layer", got: .string(type(of: layer).typeName))
    }
    let layer = try recurrent("layer")
    let backward = configuration.value("backward_layer") == nil ? nil : try recurrent("backward_layer")
    // Keras writes null for outputs that are kept apart.
    let isNull = configuration.values["merge_mode"] == .null
    let name = try configuration.string("merge_mode", default: isNull ? "none" : "concat")
    guard let merge = Merge(rawValue: name) else {
      throw configuration.failure(
        "merge_mode", expected: "one of \(Merge.allCases.map(\.rawValue).joined(separator: ", "))", got: .string(name))
    }
    self.init(layer, merge: merge, backwardLayer: backward)
    try checkSettings()
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] {
    var result: [String: JSONValue] = [
      "layer": forwardLayer.json, "merge_mode": merge == .none ? .null : .string(merge.rawValue),
    ]
    if hasOwnBackwardLayer { result["backward_layer"] = backwardLayer.json }
    return result
  }

  /// The layers this one is made of, by their roles.
  public var sublayers: [(role: String, layer: any Layer)] {
    [("forward_layer", forwardLayer), ("backward_layer", backwardLayer)]
  }

  /// Refuses two layers that cannot be the directions of one.
  public func checkSettings() throws(RecurraError) {
    if let (expected, got) = mismatch { throw failure(.badArgument, expected: expected, got: got) }
  }

  /// Builds both directions, each with random numbers of its own.
  public func build(inputShape: [Int?], random: RandomSource, dtype: DType) throws(RecurraError) {
    try checkSettings()
    try forwardLayer.build(inputShape: inputShape, random: random.stream(0), dtype: dtype)
    try backwardLayer.build(inputShape: inputShape, random: random.stream(1), dtype: dtype)
  }

  /// The shape of one direction's output; twice as wide for `.concat`.
  public func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] {
    var shape = try forwardLayer.outputShape(for: inputShape)
    if merge == .concat { shape[shape.count - 1] = forwardLayer.options.units + backwardLayer.options.units }
    return shape
  }

  /// Runs both directions at the same time and merges what they give out.
  public func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    // The two layers may have been built by themselves.
    try checkSettings()
    let half = forwardLayer.cell.stateCount
    let stateCount = half + backwardLayer.cell.stateCount
    guard input.states.isEmpty || input.states.count == stateCount else {
      throw failure(expected: "\(stateCount) initial states", got: "\(input.states.count)")
    }
    let directions = [
      try forwardLayer.direction(input, Array(input.states.prefix(half)), context, isReversed: false),
      try backwardLayer.direction(input, Array(input.states.dropFirst(half)), context, isReversed: true),
    ]
    let (outputs, states) = run(input, directions)
    var result = Signal(merged(outputs), states: forwardLayer.options.returnState ? states : [])
    if merge == .none { result.furtherValues = [outputs[1]] }
    if forwardLayer.options.returnSequences { result.lengths = input.lengths }
    return result
  }

  /// Runs both directions for reading: what every gate and the memory hold at every timestep, forward first.
  public func traces(_ input: Signal) throws(RecurraError) -> [RecurrentTrace] {
    try checkSettings()
    let half = forwardLayer.cell.stateCount
    let forward = try forwardLayer.direction(
      input, Array(input.states.prefix(half)), ForwardContext(), isReversed: false)
    let backward = try backwardLayer.direction(
      input, Array(input.states.dropFirst(half)), ForwardContext(), isReversed: true)
    func trace(_ layer: any RecurrentLayer, _ direction: RecurrentDirection) -> [RecurrentTrace] {
      input.value.recurrent(
        layer.cell, [direction], lengths: input.lengths, returnsSequences: true, keepsTrace: true
      ).traces
    }
    return trace(forwardLayer, forward) + trace(backwardLayer, backward)
  }

  /// Runs both directions; the outputs are one tensor, side by side, where that is all the merge needs.
  private func run(_ input: Signal, _ directions: [RecurrentDirection]) -> (outputs: [Tensor], states: [Tensor]) {
    func run(_ cell: any RecurrentCell, _ directions: [RecurrentDirection]) -> RecurrentOutput {
      input.source.recurrent(
        cell, directions, lengths: input.lengths,
        returnsSequences: forwardLayer.options.returnSequences, padding: .zero)
    }
    if runsAsOne {
      let both = run(forwardLayer.cell, directions)
      if merge == .concat { return ([both.output], both.states) }
      let units = forwardLayer.options.units
      return (both.output.split([units, units], axis: -1), both.states)
    }
    let forward = run(forwardLayer.cell, [directions[0]])
    let backward = run(backwardLayer.cell, [directions[1]])
    return ([forward.output, backward.output], forward.states + backward.states)
  }

  private func merged(_ outputs: [Tensor]) -> Tensor {
    guard outputs.count == 2 else { return outputs[0] }
    switch merge {
    case .concat: return Tensor.concatenated(outputs, axis: -1)
    case .sum: return outputs[0] + outputs[1]
    case .average: return (outputs[0] + outputs[1]) * 0.5
    case .multiply: return outputs[0] * outputs[1]
    case .none: return outputs[0]
    }
  }

  /// Says why two layers cannot be the directions of one.
  private static func mismatch(
    _ forward: any RecurrentLayer, _ backward: (any RecurrentLayer)?, _ merge: Merge
  ) -> (expected: String, got: String)? {
    if forward.options.goBackwards { return ("a layer that reads from the beginning", "one with goBackwards") }
    guard let backward else { return nil }
    let (first, second) = (forward.options, backward.options)
    if !second.goBackwards { return ("a backward layer with goBackwards", "one without") }
    if backward === forward { return ("two layers", "one layer twice") }
    if first.returnSequences != second.returnSequences || first.returnState != second.returnState {
      return ("layers that agree in returnSequences and returnState", "layers that do not")
    }
    if merge != .concat, merge != .none, first.units != second.units {
      return ("layers of one size for merge \(merge)", "\(first.units) and \(second.units) units")
    }
    return nil
  }

  /// What must be equal for two layers to be one operation: all but how they begin, whether they have a bias, and what
  /// this layer says for both.
  private static func kind(_ layer: any RecurrentLayer) -> [String: JSONValue] {
    let free = [
      "kernel_initializer", "recurrent_initializer", "bias_initializer", "unit_forget_bias", "use_bias",
      "go_backwards", "return_sequences", "return_state", "zero_output_for_mask",
    ]
    var kind = layer.configuration.filter { !free.contains($0.key) }
    kind["class_name"] = .string(type(of: layer).typeName)
    return kind
  }
}
