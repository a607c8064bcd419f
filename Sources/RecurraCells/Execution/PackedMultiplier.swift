import RecurraTensor

/// One timestep on packed weights for a cell without fused gates: the products into the gate buffer, then the cell's
/// own gates over whole rows.
struct PackedMultiplier: Multiplier {
  let run: DirectionRun<Float>
  let gradients: GradientRun<Float>?
  let products: StepProducts
  /// The kernels' scratch, and behind it rows for the gradient of h; this thread's own.
  let scratch: UnsafeMutablePointer<Float>

  init(
    _ run: DirectionRun<Float>, _ products: StepProducts, _ gradients: GradientRun<Float>?,
    _ scratch: UnsafeMutablePointer<Float>
  ) {
    (self.run, self.products, self.gradients, self.scratch) = (run, products, gradients, scratch)
  }

  /// Scratch for each thread.
  static func scratch(rows: Int, outputs: Int) -> Scratch {
    Scratch.ofThreads(floats: StepProducts.scratchFloats(rows) + rows * outputs)
  }

  func forward(_ steps: Range<Int>, _ active: Range<Int>) {
    for step in steps { forward(step, active) }
  }

  private func forward(_ step: Int, _ active: Range<Int>) {
    if !run.isLaid { run.layInput(step, active) }
    let (first, inputs) = (active.lowerBound, run.inputs)
    let z = run.zRows.from(run.layout.blocks[step] + first)
    let state = run.forwardStep(step, active)
    for (phase, products) in products.phases.enumerated() {
      for product in products {
        let left =
          switch product.operand {
          case .inputAndState, .input: z
          case .state: z.from(0, column: inputs)
          case .scratch: state.scratch.from(0, column: product.first)
          }
        product.add(active.count, left, bias: run.biasRows.base, to: state.gates, in: scratch)
      }
      run.cell.forward(phase: phase, state)
    }
  }

  func backward(_ step: Int, _ active: Range<Int>, following: Range<Int>) {
    guard let gradients else { return }
    gradients.addOutputGradient(step, active)
    gradients.addMemoryGradient(step, active)
    let (count, outputs) = (active.count, run.outputs)
    let state = run.backwardStep(step, active, gradients)
    for (phase, products) in products.phases.enumerated().reversed() {
      run.cell.backward(phase: phase, state)
      for product in products where product.operand == .scratch {
        product.goBack(count, state.gates, to: state.scratch.from(0, column: product.first), in: scratch)
      }
    }
    let sums = Rows(scratch + StepProducts.scratchFloats(run.layout.batch), stride: outputs)
    for product in products.phases.joined() where product.operand == .inputAndState || product.operand == .state {
      product.goBack(count, state.gates, to: sums, in: scratch)
      for row in 0..<count {
        let (target, sum) = (state.dh[row], sums[row])
        for output in 0..<outputs { target[output] += sum[output] }
      }
    }
  }

  /// Every product is done at its own step.
  func finish(_ step: Int, _ rows: Range<Int>) {}
}

extension DirectionRun {
  /// What the cell reads and writes at a step forward.
  @inline(__always)
  func forwardStep(_ step: Int, _ active: Range<Int>) -> GateForward<S> {
    let first = active.lowerBound
    return GateForward(
      rows: active.count, units: units, gates: gates(step).from(first), h: hidden(step).from(first),
      c: memory(step).from(first), nextH: hidden(step + 1).from(first), nextC: memory(step + 1).from(first),
      scratch: kept(scratchRows, step, first), saved: kept(savedRows, step, first), parameters: parameterRow)
  }

  /// The rows of a step in a buffer that keeps one row for each of the gate buffer's.
  @inline(__always)
  private func kept(_ rows: Rows<S>, _ step: Int, _ first: Int) -> Rows<S> {
    (isTraining ? rows.from(layout.blocks[step]) : rows).from(first)
  }

  /// What the cell reads and writes at a step back.
  @inline(__always)
  func backwardStep(_ step: Int, _ active: Range<Int>, _ gradients: GradientRun<S>) -> GateBackward<S> {
    let first = active.lowerBound
    return GateBackward(
      rows: active.count, units: units, gates: gates(step).from(first), h: hidden(step).from(first),
      c: memory(step).from(first), nextH: hidden(step + 1).from(first), nextC: memory(step + 1).from(first),
      dh: gradients.hRows.from(first), dc: gradients.cRows.from(first), scratch: gradients.scratchRows.from(first),
      saved: kept(savedRows, step, first), parameters: parameterRow)
  }
}
