public import RecurraCells
public import RecurraTensor

/// A layer that runs a cell over whole sequences: what `Recurrent` is with any cell.
///
/// The parameter `weights` of a gated cell is [W; U]: its first I rows are Keras' `kernel`, its last H rows Keras'
/// `recurrent_kernel`. Further parameters stand beside it under the names that the cell gives them.
///
/// - Shapes: `input` [B, T, I]; result [B, T, H] or [B, H]; states [B, H]; `weights` [I+H, G·H].
/// - Throws: `badArgument` for a bad setting when it is built, `badData` for inputs that do not fit.
/// - Accuracy: in float32 a gated cell's result for a sequence does not depend on the sequences that are computed along
///   with it, to the bit. In float64 products are OpenBLAS's, and the last bits may; so may those of a composed cell.
///   The number of threads never shows.
public protocol RecurrentLayer: Layer {
  /// The kind of cell.
  associatedtype Cell: RecurrentCell
  /// The arithmetic of a timestep.
  var cell: Cell { get }
  /// Size, initialisers, and what is given out.
  var options: RecurrentOptions { get }
  /// Where the parameters are once the layer is built.
  var state: RecurrentState { get }

  /// Makes a layer from its parts.
  init(cell: Cell, options: RecurrentOptions)
}

/// Holds the parameters of a recurrent layer; a layer makes one and never touches it.
public final class RecurrentState: Sendable {
  let built = BuildState<RecurrentParameters>()
  /// What the last call of a stateful layer ended with.
  let carried = Guarded<[Tensor]>([])
  let rules = ParameterRules()

  /// Makes an empty place.
  public init() {}
}

extension RecurrentLayer {
  /// The layer itself.
  public var recurrentParts: RecurrentParts? { RecurrentParts(self) }
  /// What the weights cost and what they are held to.
  public var parameterRules: ParameterRules? { state.rules }

  /// What a stack needs to run this layer along with others over sequences of full length, from zeros, without a
  /// record; nil where the layer asks for more than that.
  func stacked(_ inputs: Int, _ context: ForwardContext) -> StackedLayer? {
    guard let parts = state.built.value, parts.inputs == inputs, !options.goBackwards, !options.returnState,
      !options.stateful, !options.returnMemories, !options.learnsInitialState, options.noise.isPlainOutsideTraining,
      !context.isRecording
    else { return nil }
    return StackedLayer(cell: cell, direction: parts.direction(context))
  }
}

extension RecurrentLayer {
  /// W: [I, G·H], a view; nil before the layer is built, and for a composed cell.
  public var kernel: Tensor? {
    state.built.value.flatMap { parts in parts.weights.map { $0.value.sliced(0..<parts.inputs) } }
  }
  /// U: [H, G·H], a view; nil before the layer is built, and for a cell that does not multiply h.
  public var recurrentKernel: Tensor? {
    guard let parts = state.built.value, let weights = parts.weights, weights.shape[0] > parts.inputs else {
      return nil
    }
    return weights.value.sliced(parts.inputs..<weights.shape[0])
  }
  /// The bias, in the cell's shape; nil before the layer is built and where there is none.
  public var bias: Tensor? { state.built.value?.bias?.value }

  /// `weights`, [W;U], `bias`, and those that the cell names; empty before the layer is built.
  public var parameters: [Parameter] { state.built.value?.all ?? [] }
  /// Tells whether the layer has been built.
  public var isBuilt: Bool { state.built.value != nil }
  /// `kernel`, `recurrent_kernel` and `bias`, as Keras' `get_weights()` gives them, then those that the cell names.
  public var weights: [Tensor] {
    [kernel, recurrentKernel, bias].compactMap { $0 } + (state.built.value?.furtherWeights ?? [])
  }

  /// Makes the parameters for inputs of a shape; does nothing when that has been done.
  ///
  /// - Shapes: `inputShape` [B, T, I] with a known I.
  /// - Throws: `badArgument` for a bad setting, `badData` for another shape, or another I than before.
  public func build(inputShape: [Int?], random: RandomSource, dtype: DType) throws(RecurraError) {
    try checkSettings()
    try checkSetting("units", options.units, in: LayerArguments.sizes)
    try options.noise.check(self)
    if options.returnMemories, !options.returnSequences || cell.stateCount < 2 {
      throw failure(
        .badArgument, expected: "returnSequences and a cell with a memory beside returnMemories",
        got: options.returnSequences ? "a cell without" : "the last output alone")
    }
    let inputs = try features(of: inputShape, rank: 3...3, "[B, T, I]")
    let parts = try state.built.build { () throws(RecurraError) in
      try RecurrentParameters(of: self, inputs: inputs, random: random, dtype: dtype)
    }
    guard parts.inputs == inputs else {
      throw failure(expected: "input [B, T, \(parts.inputs)]", got: text(of: inputShape))
    }
  }

  /// [B, T, H] for every hidden state, [B, H] for the last.
  public func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] {
    guard inputShape.count == 3 else { throw failure(expected: "input [B, T, I]", got: text(of: inputShape)) }
    return options.returnSequences ? [inputShape[0], inputShape[1], outputWidth] : [inputShape[0], outputWidth]
  }

  /// Runs the cell over whole sequences, from the states in `input` or from zeros.
  public func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    var output = try run(input, context, returnsSequences: options.returnSequences)
    if !options.returnState { output.states = [] }
    return output
  }

  /// The same, with the final states in any case.
  func run(_ input: Signal, _ context: ForwardContext, returnsSequences: Bool) throws(RecurraError) -> Signal {
    let states = try states(toBegin: input)
    let direction = try direction(input, states, context, isReversed: options.goBackwards)
    let call = NoisyCall.of(self, input.source, direction, context)
    let result = call.source.recurrent(
      call.cell, [call.direction], try walk(over: input, context), returnsSequences: returnsSequences,
      padding: options.zeroOutputForMask ? .zero : .repeatsLast,
      returnsMemories: options.returnMemories && returnsSequences)
    var output = Signal(result.output, states: call.own(result.states))
    output.furtherValues = result.memories.map { [$0] } ?? []
    carry(output.states)
    guard returnsSequences else { return output }
    if options.goBackwards {
      let lengths = input.mask.withoutSteps.lengths
      output.value = output.value.inOppositeTime(lengths)
      output.furtherValues = output.furtherValues.map { $0.inOppositeTime(lengths) }
    }
    // Keras does not turn a mask of steps round.
    output.mask = input.mask
    if options.goBackwards, let resets = input.mask.resets {
      output.mask = input.mask.with(resets: resets.inOppositeTime(input.mask.withoutSteps.lengths))
    }
    return output
  }

  /// Runs the layer for reading: what every gate and the memory hold at every timestep.
  public func trace(_ input: Signal) throws(RecurraError) -> RecurrentTrace {
    try refusePieces(input)
    let direction = try direction(input, input.states, ForwardContext(), isReversed: options.goBackwards)
    let result = input.value.recurrent(
      cell, [direction], lengths: input.lengths, returnsSequences: true, keepsTrace: true)
    return result.traces[0]
  }

  /// Takes `kernel`, `recurrent_kernel` and `bias` from the front of a list.
  public func assignments(
    from weights: inout ArraySlice<Tensor>
  ) throws(RecurraError) -> [(parameter: Parameter, value: Tensor)] {
    guard let parts = state.built.value else { throw failure(expected: "a built layer", got: "one that is not") }
    return try parts.assignments(for: self, from: &weights)
  }

  /// Returns a layer like this one, not built, that reads the other way.
  func reversed() -> Self {
    var options = options
    options.goBackwards.toggle()
    let layer = Self(cell: cell, options: options)
    layer.state.rules.values = state.rules.values
    return layer
  }

  /// Checks an input, and puts together what the cells need to run this layer over it.
  func direction(
    _ input: Signal, _ initialStates: [Tensor], _ context: ForwardContext, isReversed: Bool
  ) throws(RecurraError) -> RecurrentDirection {
    guard let parts = state.built.value else { throw failure(expected: "a built layer", got: "one that is not") }
    let (shape, dtype) = (input.shape, parts.dtype)
    guard shape.count == 3, shape[2] == parts.inputs else {
      throw failure(expected: "input [B, T, \(parts.inputs)]", got: "\(shape)")
    }
    guard input.source.dtype == dtype else {
      throw failure(expected: "\(dtype) input", got: "\(input.source.dtype)")
    }
    let (rows, timesteps) = (shape[0], shape[1])
    guard rows > 0, timesteps > 0 else {
      throw failure(expected: "at least one row and one timestep", got: "input \(shape)")
    }
    try input.mask.check(rows: rows, timesteps: timesteps, Self.typeName)
    if !initialStates.isEmpty {
      let widths = cell.stateWidths(units: options.units)
      guard initialStates.count == widths.count else {
        throw failure(expected: "\(widths.count) initial states", got: "\(initialStates.count)")
      }
      for (state, width) in zip(initialStates, widths) where state.shape != [rows, width] || state.dtype != dtype {
        throw failure(expected: "initial states \(dtype) \([rows, width])", got: "\(state.dtype) \(state.shape)")
      }
    }
    let begins = input.mask.resets?.state == .own && !initialStates.isEmpty
    let widths = cell.stateWidths(units: options.units)
    let own =
      begins || initialStates.isEmpty && parts.learnsInitialState
      ? parts.startStates(context, rows: rows, widths: widths) : []
    let direction = parts.direction(
      context, initialStates: initialStates.isEmpty ? own : initialStates, isReversed: isReversed)
    return begins ? direction.beginningAnew(at: own) : direction
  }

  /// Numbers of the output at a timestep.
  var outputWidth: Int { cell.stateWidths(units: options.units).first ?? 0 }
}

extension Tensor {
  /// The tensor [B, T, …] with its timesteps in the opposite order, those of each row up to its length.
  fileprivate func inOppositeTime(_ lengths: [Int]?) -> Tensor {
    guard let lengths else {
      let order = Tensor((0..<Int32(shape[1])).reversed().map { $0 })
      return transposed(0, 1).gathered(order).transposed(0, 1)
    }
    let (rows, timesteps) = (shape[0], shape[1])
    var order = (0..<Int32(rows * timesteps)).map { $0 }
    for (row, length) in lengths.enumerated() { order[row * timesteps..<row * timesteps + length].reverse() }
    return reshaped([rows * timesteps] + shape.dropFirst(2)).gathered(Tensor(order, shape: [rows, timesteps]))
  }
}
