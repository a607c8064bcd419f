internal import CRecurraKernels
package import RecurraTensor
internal import Synchronization

/// Says what multiplies: a choice of the planner, or forced by `RECURRA_MULTIPLIER`.
public enum MultiplierChoice: String, Sendable, CaseIterable {
  /// The faster one of the next two, by measured rule.
  case auto
  /// OpenBLAS' `sgemm` and `dgemm`: every cell, shape and type; the reference.
  case openblas
  /// Our kernels on packed weights in float32: dense layers, and every cell, with fused gates for those that have them;
  /// OpenBLAS in float64.
  case packed

  /// Was taken out; `packed` is in its place.
  @available(*, unavailable, message: "The products in the matrix unit were taken out: take packed.")
  public static var matrix: MultiplierChoice { .packed }

  /// `RECURRA_MULTIPLIER`.
  package static let variable = EnvironmentVariable(
    "RECURRA_MULTIPLIER", expected: allCases.map(\.rawValue).joined(separator: ", ")
  ) { MultiplierChoice(rawValue: $0) }

  private static let selection = Atomic<Int>(variable.valueOrWarning().flatMap { allCases.firstIndex(of: $0) } ?? 0)

  /// What holds for a task alone; outside of tasks, for a thread.
  private static let own = TaskLocal<MultiplierChoice?>(wrappedValue: nil)

  /// The choice in force: that of `RECURRA_MULTIPLIER` when the process started, until another is set for the whole
  /// process. A call that has begun keeps the one it began with, its gradient included.
  public static var current: MultiplierChoice {
    get { own.get() ?? allCases[selection.load(ordering: .relaxed)] }
    set { selection.store(allCases.firstIndex(of: newValue) ?? 0, ordering: .relaxed) }
  }

  /// Runs `body` under a choice of its own: whatever else the process computes at the same time keeps its multiplier.
  ///
  /// It holds for the task that calls this and its child tasks, or for the thread where there is no task; not for other
  /// threads that `body` starts. Inside, `current` reads as `choice` even when it is set.
  public static func with<Result>(_ choice: MultiplierChoice, _ body: () throws -> Result) rethrows -> Result {
    try own.withValue(choice, operation: body)
  }

  /// What multiplies for a cell: the fastest way that it has and the choice allows. Asked for once in a call, for the
  /// choice may change meanwhile.
  static func multiplication(_ cell: any GatedCell, _ dtype: DType) -> StepMultiplication {
    guard dtype == .float32, current != .openblas else { return .openBLAS }
    if let kernel = cell.kernel { return .fused(kernel.kernels) }
    return PackedGradients.fits(cell) ? .packed : .openBLAS
  }

  /// Runs `body` where the stack has room for it, under the choice that is in force here: another thread would not know
  /// it.
  static func withRoom<Result>(_ body: () -> Result) -> Result {
    #if DEBUG
      let choice = current
      return Threads.withRoom { with(choice, body) }
    #else
      return body()
    #endif
  }
}

/// How a step's products and gates are computed.
enum StepMultiplication {
  /// OpenBLAS' products: the reference.
  case openBLAS
  /// Packed products, then the cell's gates over whole rows.
  case packed
  /// Packed products with the gates in the kernel.
  case fused(RecurraCellKernels)

  /// The kernels with the gates in them, if there are any.
  var fused: RecurraCellKernels? {
    if case .fused(let kernels) = self { kernels } else { nil }
  }

  var rung: Problem.Rung {
    switch self {
    case .openBLAS: .openBLAS
    case .packed: .packed
    case .fused(let kernels): .fused(panelUnits: kernels.panelUnits)
    }
  }
}

/// Computes timesteps of one direction for some rows, forward and back.
protocol Multiplier {
  /// Computes one step after the other for the rows `active`: gates, and with step s the states of block s + 1.
  func forward(_ steps: Range<Int>, _ active: Range<Int>)

  /// Goes back through step `step` for the rows `active`, of which those in `following` went on to the next step.
  ///
  /// The gradients of the states after the step come in the gradient run's carries. What arrives at the states before
  /// it lies there afterwards, but for products that the next call does.
  func backward(_ step: Int, _ active: Range<Int>, following: Range<Int>)

  /// Does the products left for `rows`, whose first step was `step`: their carries are then the initial states'
  /// gradients.
  func finish(_ step: Int, _ rows: Range<Int>)
}
