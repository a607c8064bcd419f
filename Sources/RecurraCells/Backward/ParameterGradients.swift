import RecurraTensor

/// The gradients of a direction's named parameters, when the gates of all steps hold their pre-activations' gradients.
///
/// Short sums in the type at hand are added up in double precision, in the order of the steps: pieces are cut over the
/// units alone, so the bits do not depend on the number of threads.
struct ParameterGradients<S: FloatingScalar> {
  private let runs: [(run: DirectionRun<S>, gradients: GradientRun<S>)]

  /// - Parameter runs: those of one direction, with what went back through them.
  init(_ runs: [(DirectionRun<S>, GradientRun<S>)]) {
    self.runs = runs.sorted { $0.0.layout.firstRow < $1.0.layout.firstRow }.map { (run: $0.0, gradients: $0.1) }
  }

  /// Rows that are summed before their sum is added to the total.
  private static var together: Int { 32 }

  /// The gradients, each in the shape of its parameter.
  func run(_ parameters: [Tensor]) -> [Tensor] {
    guard let units = runs.first?.run.units else { return parameters.map { .zeros($0.shape, dtype: S.dtype) } }
    let count = parameters.reduce(0) { $0 + $1.count }
    let pieces = min(4, max(1, units / 16))
    let rows = runs.reduce(0) { $0 + $1.run.layout.productRows }
    let sums = Tensor([count], of: S.self) { target in
      Threads.run(pieces, lasting: Threads.nanoseconds(copying: 2 * rows * count)) { piece in
        add((units * piece / pieces)..<(units * (piece + 1) / pieces), of: units, count, to: target)
      }
    }
    var first = 0
    return parameters.map { parameter in
      defer { first += parameter.count }
      return sums.sliced(first..<(first + parameter.count)).reshaped(parameter.shape)
    }
  }

  /// Sums up some units of every H numbers.
  private func add(_ span: Range<Int>, of units: Int, _ count: Int, to target: UnsafeMutablePointer<S>) {
    withUnsafeTemporaryAllocation(of: S.self, capacity: count) { sums in
      guard let base = sums.baseAddress else { return }
      var totals = [Double](repeating: 0, count: count)
      for (run, gradients) in runs {
        for step in 0..<run.layout.steps {
          let active = run.layout.counts[step]
          for first in stride(from: 0, to: active, by: Self.together) {
            base.initialize(repeating: 0, count: count)
            let rows = first..<min(first + Self.together, active)
            run.cell.add(run.backwardStep(step, rows, gradients), span, to: base)
            each(span, units, count) { totals[$0] += Double(base[$0]) }
          }
        }
      }
      each(span, units, count) { target[$0] = S(totals[$0]) }
    }
  }

  private func each(_ span: Range<Int>, _ units: Int, _ count: Int, _ body: (Int) -> Void) {
    for first in stride(from: 0, to: count, by: units) {
      for unit in span { body(first + unit) }
    }
  }
}

extension GatedCell {
  /// Calls the requirement of the type at hand.
  @inline(__always)
  func add<S: FloatingScalar>(
    _ step: GateBackward<S>, _ units: Range<Int>, to sums: UnsafeMutablePointer<S>
  ) {
    if let step = step as? GateBackward<Float>, let sums = sums as? UnsafeMutablePointer<Float> {
      addParameterGradients(step, units, to: sums)
    }
    if let step = step as? GateBackward<Double>, let sums = sums as? UnsafeMutablePointer<Double> {
      addParameterGradients(step, units, to: sums)
    }
  }
}
