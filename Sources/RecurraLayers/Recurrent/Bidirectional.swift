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
///   and whether they have a bias, are one operation, whose directions run on separate threads; others are two, at
///   the same time where they take long enough. A layer of one's own must name every setting that its cell depends on
///   there.
/// - Source: Schuster & Paliwal 1997; names and defaults as `keras.layers.Bidirectional`, which has no stacks.
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

  /// The layers that read from the beginning, the first one at the bottom; one unless two deep stacks were asked for.
  public let forwardLayers: [any RecurrentLayer]
  /// The layers that read from the end, the first one at the bottom.
  public let backwardLayers: [any RecurrentLayer]
  /// The layer that reads from the beginning; the topmost one of a stack.
  public let forwardLayer: any RecurrentLayer
  /// The layer that reads from the end; the topmost one of a stack.
  public let backwardLayer: any RecurrentLayer
  /// How the two outputs are merged.
  public let merge: Merge
  private let hasOwnBackwardLayers: Bool
  /// Why the layers cannot be the directions of one; nil when they can.
  private let mismatch: (expected: String, got: String)?
  /// Two layers at the bottom of one kind and size are one operation; others are two at the same time.
  let runsAsOne: Bool

  /// Makes a layer that reads both ways.
  ///
  /// - Parameters:
  ///   - layer: the forward layer.
  ///   - merge: how the two outputs are merged.
  ///   - backwardLayer: a layer with `goBackwards`; one like `layer` when left out.
  public convenience init(
    _ layer: any RecurrentLayer, merge: Merge = .concat, backwardLayer: (any RecurrentLayer)? = nil
  ) {
    self.init([layer], merge: merge, backwardLayers: backwardLayer.map { [$0] })
  }

  /// Makes two deep stacks, one that reads from the beginning and one that reads from the end, whose outputs are merged
  /// on top.
  ///
  /// A layer above reads what the one below it in its own stack gives out at every timestep, whatever that one's
  /// `returnSequences` says; the topmost says what the whole gives out. States, given and returned, are those of the
  /// forward stack from the bottom to the top, then those of the backward stack.
  ///
  /// ```swift
  /// let stacks = Bidirectional([LSTM(units: 50), LSTM(units: 50)])  // 100 numbers
  /// ```
  ///
  /// - Parameters:
  ///   - layers: the forward stack, from the bottom to the top.
  ///   - merge: how the two outputs are merged.
  ///   - backwardLayers: the backward stack, all with `goBackwards`; layers like `layers` when left out.
  public init(_ layers: [any RecurrentLayer], merge: Merge = .concat, backwardLayers: [any RecurrentLayer]? = nil) {
    forwardLayers = layers
    mismatch = Self.mismatch(layers, backwardLayers, merge)
    self.backwardLayers = backwardLayers ?? layers.map { $0.reversed() }
    // Building refuses a stack without layers; until then something must stand here.
    let nothing = LSTM(units: 0)
    forwardLayer = layers.last ?? nothing
    backwardLayer = self.backwardLayers.last ?? nothing
    self.merge = merge
    hasOwnBackwardLayers = backwardLayers != nil
    runsAsOne = zip(forwardLayers, self.backwardLayers).prefix(1).allSatisfy { Self.kind($0) == Self.kind($1) }
  }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    func recurrent(_ name: String) throws(RecurraError) -> any RecurrentLayer {
      let layer = try configuration.layer(name)
      if let recurrent = layer.recurrentParts?.single { return recurrent }
      throw configuration.failure(name, expected: "a recurrent layer", got: .string(type(of: layer).typeName))
    }
    func stack(_ name: String) throws(RecurraError) -> [any RecurrentLayer]? {
      guard let value = configuration.value(name) else { return nil }
      guard case .array(let items) = value else {
        throw configuration.failure(name, expected: "a list of recurrent layers", got: value)
      }
      var layers: [any RecurrentLayer] = []
      for item in items {
        let layer = try configuration.registry.layer(from: item)
        guard let recurrent = layer.recurrentParts?.single else {
          throw configuration.failure(name, expected: "recurrent layers", got: .string(type(of: layer).typeName))
        }
        layers.append(recurrent)
      }
      return layers
    }
    let layers: [any RecurrentLayer]
    let backward: [any RecurrentLayer]?
    if let deep = try stack("layers") {
      (layers, backward) = (deep, try stack("backward_layers"))
    } else {
      layers = [try recurrent("layer")]
      backward = configuration.value("backward_layer") == nil ? nil : [try recurrent("backward_layer")]
    }
    // Keras writes null for outputs that are kept apart.
    let isNull = configuration.values["merge_mode"] == .null
    let name = try configuration.string("merge_mode", default: isNull ? "none" : "concat")
    guard let merge = Merge(rawValue: name) else {
      throw configuration.failure(
        "merge_mode", expected: "one of \(Merge.allCases.map(\.rawValue).joined(separator: ", "))", got: .string(name))
    }
    self.init(layers, merge: merge, backwardLayers: backward)
    try checkSettings()
  }

  /// The arguments in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] {
    var result: [String: JSONValue] = ["merge_mode": merge == .none ? .null : .string(merge.rawValue)]
    // Keras has no stacks here; one layer each way is written as Keras does.
    if forwardLayers.count == 1 {
      result["layer"] = forwardLayer.json
      if hasOwnBackwardLayers { result["backward_layer"] = backwardLayer.json }
    } else {
      result["layers"] = .array(forwardLayers.map { $0.json })
      if hasOwnBackwardLayers { result["backward_layers"] = .array(backwardLayers.map { $0.json }) }
    }
    return result
  }

  /// The layers of both directions.
  public var recurrentParts: RecurrentParts? { RecurrentParts(self) }

  /// The layers this one is made of, by their roles.
  public var sublayers: [(role: String, layer: any Layer)] {
    guard forwardLayers.count > 1 else { return [("forward_layer", forwardLayer), ("backward_layer", backwardLayer)] }
    return forwardLayers.enumerated().map { ("forward_layer_\($0)", $1) }
      + backwardLayers.enumerated().map { ("backward_layer_\($0)", $1) }
  }

  /// Refuses two layers that cannot be the directions of one.
  public func checkSettings() throws(RecurraError) {
    if let (expected, got) = mismatch { throw failure(.badArgument, expected: expected, got: got) }
  }

  /// Builds both directions, each with random numbers of its own.
  public func build(inputShape: [Int?], random: RandomSource, dtype: DType) throws(RecurraError) {
    try checkSettings()
    var shapes = [inputShape, inputShape]
    for (level, layers) in zip(forwardLayers, backwardLayers).enumerated() {
      for (stack, layer) in [layers.0, layers.1].enumerated() {
        try layer.build(inputShape: shapes[stack], random: random.stream(2 * level + stack), dtype: dtype)
        shapes[stack] = Array(shapes[stack].prefix(2)) + [layer.outputWidth]
      }
    }
  }

  /// The shape of one direction's output; twice as wide for `.concat`.
  public func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] {
    guard inputShape.count == 3 else { throw failure(expected: "input [B, T, I]", got: text(of: inputShape)) }
    var shape = try forwardLayer.outputShape(for: inputShape)
    if merge == .concat { shape[shape.count - 1] = forwardLayer.outputWidth + backwardLayer.outputWidth }
    return shape
  }

  /// Runs both directions at the same time and merges what they give out.
  public func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    // The layers may have been built by themselves.
    try checkSettings()
    let (outputs, states) = try run(input, context)
    let top = forwardLayer.options
    let values = merge == .none ? outputs : [merged(outputs)]
    var result = Signal(values[0], states: top.returnState ? states : [])
    result.furtherValues = Array(values.dropFirst())
    if top.returnSequences { result.mask = input.mask }
    return result
  }

  /// Runs both directions for reading: what every gate and the memory hold at every timestep. The forward layers come
  /// first, from the bottom to the top.
  public func traces(_ input: Signal) throws(RecurraError) -> [RecurrentTrace] {
    try checkSettings()
    try refusePieces(input)
    let levels = try levels(input, ForwardContext(), keepsTraces: true)
    return (0..<2).flatMap { direction in levels.map { $0.traces[direction] } }
  }
}
