package import RecurraCells
public import RecurraTensor

/// What flows from layer to layer: values, and what is known about them.
public struct Signal: Sendable {
  /// The values, batch first: [B, …].
  public var value: Tensor {
    get { source.tensor }
    set { source = .tensor(newValue) }
  }
  /// The values, or where they are looked up as long as they are not asked for.
  package private(set) var source: InputSource
  /// Further outputs of a layer that has several: the backward direction's where a `Bidirectional` keeps the two apart.
  public var furtherValues: [Tensor] = []
  /// Which timesteps count.
  public var mask: SequenceMask
  /// The number of timesteps of each row up to the last one that counts; nil when all are full. Setting it masks what
  /// lies behind.
  public var lengths: [Int]? {
    get { mask.lengths }
    set { mask = newValue.map { .lengths($0) } ?? .all }
  }
  /// Final states, where a layer returns them: h (and c) of each direction, each [B, H]; or initial states given to a
  /// layer.
  ///
  /// Layers that have no states pass them on.
  public var states: [Tensor]

  /// Makes a signal.
  public init(_ value: Tensor, lengths: [Int]? = nil, states: [Tensor] = []) {
    self.init(.tensor(value), mask: lengths.map { .lengths($0) } ?? .all, states: states)
  }

  /// Makes a signal of which some timesteps are masked.
  public init(_ value: Tensor, mask: SequenceMask, states: [Tensor] = []) {
    self.init(.tensor(value), mask: mask, states: states)
  }

  /// Makes a signal of values that may have to be looked up first.
  package init(_ source: InputSource, mask: SequenceMask, states: [Tensor]) {
    self.source = source
    self.mask = mask
    self.states = states
  }

  /// The extents of the values.
  package var shape: [Int] { source.shape }

  /// Returns the signal with another value at the same timesteps.
  public func with(value: Tensor) -> Signal { Signal(value, mask: mask, states: states) }
}

/// How a forward pass is run.
public struct ForwardContext: Sendable {
  /// Tells whether layers behave as in training: dropout drops.
  public var isTraining: Bool
  /// Tells whether operations on parameters are recorded for gradients.
  public var isRecording: Bool
  /// Where dropout takes its numbers from; a layer uses a stream of its own.
  public var random: RandomSource
  /// Tells whether gradients will be asked for with respect to parameters alone, as `Trainer` does. Those of what an
  /// embedding gives out may then be zero, because they go straight to its table: a word that a batch holds many times
  /// is multiplied once.
  public var differentiatesParametersOnly: Bool
  /// How far gradients go back through time, and what recurrent layers keep for them.
  public var unrolling = Unrolling()
  /// Where the rows stand in the batch that they are a block of: random numbers are then those of the rows' places in
  /// the whole batch. nil when the rows are a batch of their own.
  package var firstRow: Int?
  /// Takes what layers say besides their outputs; nil where nobody asks.
  package var record: ForwardRecord?

  /// Makes a context; inference without a record when nothing is said.
  public init(
    isTraining: Bool = false, isRecording: Bool = false, random: RandomSource = RandomSource(seed: 0),
    differentiatesParametersOnly: Bool = false
  ) {
    self.isTraining = isTraining
    self.isRecording = isRecording
    self.random = random
    self.differentiatesParametersOnly = differentiatesParametersOnly
  }

  /// Makes a context for a block of a batch.
  package init(
    isTraining: Bool, isRecording: Bool, random: RandomSource, differentiatesParametersOnly: Bool, firstRow: Int?
  ) {
    self.init(
      isTraining: isTraining, isRecording: isRecording, random: random,
      differentiatesParametersOnly: differentiatesParametersOnly)
    self.firstRow = firstRow
  }

  /// The parameter's value, tracked when gradients are recorded.
  public func tensor(_ parameter: Parameter) -> Tensor { versioned(parameter).value }

  /// The same, with the number of changes the value has seen.
  package func versioned(_ parameter: Parameter) -> (value: Tensor, version: Int) {
    parameter.versioned(isTracked: isRecording && parameter.isTrainable)
  }

  /// Returns the context of the sublayer at a position: its random numbers are its own.
  public func forSublayer(_ position: Int) -> ForwardContext {
    var context = self
    context.random = random.stream(position)
    return context
  }

  /// Draws a number in 0..<1 for every element of a tensor whose first axis are the rows of the batch.
  ///
  /// A row has the same numbers whatever blocks the batch is cut into; those of `random` itself would begin anew in
  /// every block.
  public func uniform(_ shape: [Int], dtype: DType = .float32) -> Tensor {
    random.uniform(shape, startingAt: (firstRow ?? 0) * Shape.count(Array(shape.dropFirst())), dtype: dtype)
  }

  /// Draws a number of the normal distribution for every element of a tensor whose first axis are the rows of the
  /// batch; a row has the same numbers whatever blocks the batch is cut into.
  public func normal(_ shape: [Int], dtype: DType = .float32) -> Tensor {
    random.normal(shape, startingAt: (firstRow ?? 0) * Shape.count(Array(shape.dropFirst())), dtype: dtype)
  }

  /// What dropout multiplies by: 0 for a share of the elements, and 1/(1 − rate) for the others.
  func kept(_ shape: [Int], rate: Double, dtype: DType) -> Tensor {
    let threshold = Tensor(1 - rate, dtype: dtype)
    let kept = uniform(shape, dtype: dtype).isLess(than: threshold).converted(to: dtype)
    return kept * (rate < 1 ? 1 / (1 - rate) : 0)
  }

  /// Adds a loss of the layer's own to that of the model: its sum over the rows, of which training takes the mean.
  ///
  /// - Precondition: a single number.
  public func add(loss sum: Tensor) {
    check(sum.count == 1, "add(loss:)", expected: "a single number", got: "shape \(sum.shape)")
    record?.add(sum.reshaped([]))
  }

  /// Lets a layer's statistic follow a number of this batch: statistic · momentum + number · (1 − momentum).
  ///
  /// That is done at once; a trainer does it with its update, batch after batch and block after block.
  ///
  /// - Precondition: as many numbers as the statistic has, of its type.
  public func follow(_ number: Tensor, by statistic: Parameter, momentum: Double) {
    let change = StatisticChange(
      statistic: statistic, number: number.detached.reshaped(statistic.shape), momentum: momentum)
    if let record { record.add(change) } else { change.apply() }
  }
}
