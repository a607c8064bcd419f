internal import RecurraCells
internal import RecurraTensor

/// How a layer with noise is called: the cell that computes it, what it reads, and what the direction holds besides.
struct NoisyCall {
  let cell: any RecurrentCell
  let source: InputSource
  let direction: RecurrentDirection
  /// The states that the layer itself has; those behind them belong to the noise.
  private let stateCount: Int

  private init(_ cell: any RecurrentCell, _ source: InputSource, _ direction: RecurrentDirection, stateCount: Int) {
    (self.cell, self.source, self.direction, self.stateCount) = (cell, source, direction, stateCount)
  }

  /// The call of a layer whose cell is wrapped as its options say.
  static func of(
    _ layer: some RecurrentLayer, _ source: InputSource, _ direction: RecurrentDirection, _ context: ForwardContext
  ) -> NoisyCall {
    let (noise, isTraining) = (layer.options.noise, context.isTraining)
    let stateCount = layer.cell.stateCount
    guard !noise.isNone, isTraining || !noise.isPlainOutsideTraining else {
      return NoisyCall(layer.cell, source, direction, stateCount: stateCount)
    }
    var (source, direction) = (source, direction)
    let (shape, dtype) = (source.shape, source.dtype)
    /// Numbers that are 0 with a probability, and otherwise larger so that their mean is 1.
    func mask(_ shape: [Int], _ rate: Double, _ context: ForwardContext, ofRows: Bool = true) -> Tensor {
      let drawn = ofRows ? context.uniform(shape, dtype: dtype) : context.random.uniform(shape, dtype: dtype)
      return drawn.isLess(than: Tensor(1 - rate, dtype: dtype)).converted(to: dtype) * (rate < 1 ? 1 / (1 - rate) : 0)
    }
    if isTraining, noise.dropout > 0 {
      source = .tensor(source.tensor * mask([shape[0], 1, shape[2]], noise.dropout, context.forSublayer(0)))
    }
    guard case .gated(var cell) = layer.cell.arithmetic else {
      return NoisyCall(layer.cell, source, direction, stateCount: stateCount)
    }
    let units = layer.options.units
    if isTraining, noise.weightDropout > 0, direction.weights.shape[0] > shape[2] {
      let (weights, inputs) = (direction.weights, shape[2])
      let recurrent = weights.sliced(inputs..<weights.shape[0])
      let kept = mask(recurrent.shape, noise.weightDropout, context.forSublayer(1), ofRows: false)
      direction = direction.with(weights: .concatenated([weights.sliced(0..<inputs), recurrent * kept]))
    }
    var states = direction.initialStates
    if states.isEmpty {
      states = cell.stateWidths(units: units).map { .zeros([shape[0], $0], dtype: dtype) }
    }
    if isTraining, noise.recurrentDropout > 0 {
      let dropping = RecurrentDropoutCell(cell, units: units)
      states.append(mask([shape[0], dropping.maskCount(units)], noise.recurrentDropout, context.forSublayer(2)))
      cell = dropping
    }
    if noise.zoneout > 0 || noise.memoryZoneout > 0 {
      cell = ZoneoutCell(
        cell, units: units, hidden: noise.zoneout, memory: noise.memoryZoneout, memories: stateCount - 1,
        isTraining: isTraining)
      if isTraining {
        let key = context.forSublayer(3).uniform([shape[0], 2], dtype: .float64) * Double(ZoneoutCell.keyBound)
        states.append(
          .concatenated(
            [key.converted(to: .int32).converted(to: dtype), .zeros([shape[0], 1], dtype: dtype)], axis: 1))
      }
    }
    return NoisyCall(cell, source, direction.starting(at: states), stateCount: stateCount)
  }

  /// The layer's own states among those that the call gives out.
  func own(_ states: [Tensor]) -> [Tensor] { Array(states.prefix(stateCount)) }
}

extension RecurrentDirection {
  fileprivate func with(weights: Tensor) -> RecurrentDirection {
    RecurrentDirection(
      weights: weights, bias: bias, parameters: parameters, initialStates: initialStates, isReversed: isReversed
    ).beginningAnew(at: ownStates)
  }
}
