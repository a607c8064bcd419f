internal import RecurraCells
internal import RecurraTensor

extension RecurrentLayer {
  /// ‖∂hₜ/∂hₜ₋ₖ‖ for k = 0, 1, … along the way of one direction through one row.
  func stateGradientNorms(
    _ input: Signal, _ initialStates: [Tensor], _ step: Int?, isReversed: Bool
  ) throws(RecurraError) -> [Double] {
    try refusePieces(input)
    let direction = try direction(input, initialStates, ForwardContext(), isReversed: isReversed)
    let length = input.lengths?.first ?? input.shape[1]
    let last = step ?? (isReversed ? 0 : length - 1)
    guard (0..<length).contains(last) else {
      throw failure(.badArgument, expected: "a step in 0..<\(length)", got: "\(last)")
    }
    // Each of the H rows keeps gates and states in float64 for its way back, and has a gradient at every step.
    let count = isReversed ? length - last : last + 1
    let perStep = cell.numbersPerUnit + 2
    try MemoryLimit.require(
      MemoryLimit.bytes(count, options.units, options.units, perStep, DType.float64.byteCount),
      "stateGradientNorms", for: "\(count) steps of \(options.units) rows")
    let steps = isReversed ? Array((last..<length).reversed()) : Array(0...last)
    let x = input.value.detached.converted(to: .float64)
    return try StateGradients(cell, direction.inDouble, units: options.units).norms(
      steps.map { x.sliced($0..<$0 + 1, axis: 1) })
  }
}

extension Bidirectional {
  /// The same of every layer, the forward ones first, from the bottom to the top.
  func stateGradientNorms(_ input: Signal, _ step: Int?) throws(RecurraError) -> [[Double]] {
    let levels = try levels(input, ForwardContext())
    var norms: [[Double]] = []
    for stack in 0..<2 {
      for level in levels {
        let signal = Signal(level.inputs[stack], mask: input.mask, states: [])
        let states = level.directions[stack].initialStates
        norms.append(try level.layers[stack].stateGradientNorms(signal, states, step, isReversed: stack == 1))
      }
    }
    return norms
  }
}

/// A cell that is run step by step, so that every state is a tensor of its own that derivatives can be asked for.
private struct StateGradients {
  private let cell: any RecurrentCell
  private let direction: RecurrentDirection
  private let units: Int

  init(_ cell: any RecurrentCell, _ direction: RecurrentDirection, units: Int) {
    (self.cell, self.direction, self.units) = (cell, direction, units)
  }

  /// The norms, from the last step's own state back to the initial one; each input is [1, 1, I].
  ///
  /// Every number of the last state has a row of its own: one way back gives all rows of every matrix of derivatives.
  func norms(_ inputs: [Tensor]) throws(RecurraError) -> [Double] {
    var states = cell.stateWidths(units: units).enumerated().map { index, width in
      let state =
        direction.initialStates.isEmpty ? Tensor.zeros([1, width], dtype: .float64) : direction.initialStates[index]
      return rows(state).tracked
    }
    var hidden = [states[0]]
    for input in inputs {
      let step = RecurrentDirection(
        weights: direction.weights, bias: direction.bias, parameters: direction.parameters, initialStates: states)
      states = rows(input).recurrent(cell, [step], returnsSequences: false).states
      hidden.append(states[0])
    }
    let matrices = states[0].gradients(
      withRespectTo: hidden, seed: Tensor.identity(rowCount, dtype: .float64))
    return try matrices.reversed().map { matrix throws(RecurraError) in
      try matrix.svd().s.scalars(as: Double.self).first ?? 0
    }
  }

  /// Numbers of h.
  private var rowCount: Int { cell.stateWidths(units: units)[0] }

  private func rows(_ tensor: Tensor) -> Tensor { .concatenated([Tensor](repeating: tensor, count: rowCount)) }
}

extension RecurrentDirection {
  /// The same parameters and states in float64, read in the order that they are given in.
  fileprivate var inDouble: RecurrentDirection {
    RecurrentDirection(
      weights: weights.detached.converted(to: .float64), bias: bias?.detached.converted(to: .float64),
      parameters: parameters.map { $0.detached.converted(to: .float64) },
      initialStates: initialStates.map { $0.detached.converted(to: .float64) })
  }
}
