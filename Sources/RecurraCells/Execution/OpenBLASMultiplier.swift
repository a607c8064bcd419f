import RecurraTensor

/// One timestep by OpenBLAS: bias, the cell's products, and the cell's gates.
struct OpenBLASMultiplier<S: FloatingScalar>: Multiplier {
  let run: DirectionRun<S>
  /// Gradients on their way back; nil going forward only.
  let gradients: GradientRun<S>?

  /// [W; U], dense.
  private let weights: Rows<S>
  /// The cell's gates as a vector kernel, where there is one.
  private let vectors: VectorGates<S>?

  init(_ run: DirectionRun<S>, gradients: GradientRun<S>? = nil) {
    self.run = run
    self.gradients = gradients
    weights = DirectionRun<S>.rows(run.direction.weights)
    vectors = VectorGates(run.cell.kernel)
  }

  func forward(_ steps: Range<Int>, _ active: Range<Int>) {
    for step in steps { forward(step, active) }
  }

  private func forward(_ step: Int, _ active: Range<Int>) {
    if !run.isLaid { run.layInput(step, active) }
    let state = run.forwardStep(step, active)
    let gates = state.gates
    for row in 0..<active.count { gates[row].update(from: run.biasRows.base, count: run.slots) }
    for phase in run.phases.indices {
      for product in run.phases[phase] { multiply(product, step, active, into: gates, state.scratch) }
      if let vectors { vectors.forward(state) } else { run.cell.forward(phase, state) }
    }
  }

  func backward(_ step: Int, _ active: Range<Int>, following: Range<Int>) {
    guard let gradients else { return }
    gradients.addOutputGradient(step, active)
    gradients.addMemoryGradient(step, active)
    let state = run.backwardStep(step, active, gradients)
    let gates = state.gates
    for phase in run.phases.indices.reversed() {
      if let vectors { vectors.backward(state) } else { run.cell.backward(phase, state) }
      for product in run.phases[phase] where product.operand == .scratch {
        multiplyBack(
          product, gates, active.count, into: state.scratch.from(0, column: product.first), keeping: 0)
      }
    }
    for products in run.phases {
      for product in products where product.operand == .inputAndState || product.operand == .state {
        multiplyBack(product, gates, active.count, into: state.dh, keeping: 1)
      }
    }
  }

  /// Every product is done at its own step.
  func finish(_ step: Int, _ rows: Range<Int>) {}

  private func multiply(
    _ product: GateProduct, _ step: Int, _ active: Range<Int>, into gates: Rows<S>, _ scratch: Rows<S>
  ) {
    let z = run.zRows.from(run.layout.blocks[step] + active.lowerBound)
    let (inputs, units, states) = (run.inputs, run.units, run.outputs)
    if let matrix = product.matrix {
      let right = DirectionRun<S>.rows(run.direction.parameters[matrix.parameter])
      BLAS.product(
        rows: active.count, columns: matrix.columns, depth: matrix.rows,
        UnsafePointer(scratch.base + product.first), stride: scratch.stride, UnsafePointer(right.base),
        stride: right.stride, into: gates.base + product.slot * units, stride: gates.stride, keeping: 1)
      return
    }
    let left: Rows<S>
    let firstRow: Int
    let depth: Int
    switch product.operand {
    case .inputAndState: (left, firstRow, depth) = (z, 0, inputs + states)
    case .input: (left, firstRow, depth) = (z, 0, inputs)
    case .state: (left, firstRow, depth) = (z.from(0, column: inputs), inputs, states)
    case .scratch: (left, firstRow, depth) = (scratch.from(0, column: product.first), inputs, states)
    }
    BLAS.product(
      rows: active.count, columns: product.gates.count * units, depth: depth,
      UnsafePointer(left.base), stride: left.stride,
      UnsafePointer(weights[firstRow]) + product.gates.lowerBound * units, stride: weights.stride,
      into: gates.base + product.slot * units, stride: gates.stride, keeping: 1)
  }

  /// target = gradient of the slots · (their columns of U)ᵀ + keeping · target.
  private func multiplyBack(_ product: GateProduct, _ gates: Rows<S>, _ rows: Int, into target: Rows<S>, keeping: S) {
    if let matrix = product.matrix {
      let right = DirectionRun<S>.rows(run.direction.parameters[matrix.parameter])
      BLAS.product(
        rows: rows, columns: matrix.rows, depth: matrix.columns,
        UnsafePointer(gates.base + product.slot * run.units), stride: gates.stride, UnsafePointer(right.base),
        stride: right.stride, rightTransposed: true, into: target.base, stride: target.stride, keeping: keeping)
      return
    }
    BLAS.product(
      rows: rows, columns: run.outputs, depth: product.gates.count * run.units,
      UnsafePointer(gates.base + product.slot * run.units), stride: gates.stride,
      UnsafePointer(weights[run.inputs]) + product.gates.lowerBound * run.units, stride: weights.stride,
      rightTransposed: true,
      into: target.base, stride: target.stride, keeping: keeping)
  }
}

extension GatedCell {
  /// Calls the requirement of the type at hand.
  @inline(__always)
  func forward<S: FloatingScalar>(_ phase: Int, _ step: GateForward<S>) {
    if let step = step as? GateForward<Float> { forward(phase: phase, step) }
    if let step = step as? GateForward<Double> { forward(phase: phase, step) }
  }

  /// Calls the requirement of the type at hand.
  @inline(__always)
  func backward<S: FloatingScalar>(_ phase: Int, _ step: GateBackward<S>) {
    if let step = step as? GateBackward<Float> { backward(phase: phase, step) }
    if let step = step as? GateBackward<Double> { backward(phase: phase, step) }
  }
}
