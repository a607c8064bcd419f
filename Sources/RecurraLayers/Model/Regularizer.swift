public import RecurraTensor

/// Says what a weight costs in the loss, so that training keeps it small or its rows apart; names and values are
/// Keras'.
///
/// ```swift
/// let layer = LSTM(units: 32).with(kernelRegularizer: .l2(1e-4), recurrentRegularizer: .orthogonal())
/// ```
public enum Regularizer: Sendable, Equatable {
  /// l1·Σ|w|.
  case l1(Double = 0.01)
  /// l2·Σw².
  case l2(Double = 0.01)
  /// l1·Σ|w| + l2·Σw².
  case l1l2(l1: Double = 0, l2: Double = 0)
  /// factor times the mean of |cosine| over all pairs of rows, or of columns, of a matrix.
  case orthogonal(factor: Double = 0.01, mode: Mode = .rows)

  /// Names what is to be orthogonal.
  public enum Mode: String, Sendable, CaseIterable {
    /// The rows of a matrix.
    case rows
    /// Its columns.
    case columns
  }

  /// Computes the penalty as one number, with its gradient when the weight is tracked.
  ///
  /// - Precondition: a floating tensor, for `orthogonal` a matrix.
  public func callAsFunction(_ w: Tensor) -> Tensor {
    switch self {
    case .l1(let l1): return w.abs().sum() * l1
    case .l2(let l2): return w.squared.sum() * l2
    case .l1l2(let l1, let l2):
      let first = l1 == 0 ? Tensor(0, dtype: w.dtype) : w.abs().sum() * l1
      return l2 == 0 ? first : first + w.squared.sum() * l2
    case .orthogonal(let factor, let mode):
      check(w.rank == 2, "orthogonal regularizer", expected: "a matrix", got: "shape \(w.shape)")
      let rows = mode == .rows ? w : w.transposed()
      let count = rows.shape[0]
      // A row alone has no pair.
      guard count > 1 else { return w.sum() * 0 }
      // The limit stands under the root, whose slope at 0 is infinite.
      let squares = Tensor.maximum(
        rows.squared.sum(axes: [1], keepingDimensions: true), Tensor(1e-14, dtype: w.dtype))
      let unit = rows / squares.sqrt()
      let others = 1 - Tensor.identity(count, dtype: w.dtype)
      return (unit.matrixProduct(unit.transposed()) * others).abs().sum() * (factor / Double(count * (count - 1)))
    }
  }

  /// The regulariser in Keras' form: a class name and its arguments.
  public var json: JSONValue {
    let (name, arguments): (String, [(name: String, value: JSONValue)]) =
      switch self {
      case .l1(let l1): ("L1", [("l1", .number(l1))])
      case .l2(let l2): ("L2", [("l2", .number(l2))])
      case .l1l2(let l1, let l2): ("L1L2", [("l1", .number(l1)), ("l2", .number(l2))])
      case .orthogonal(let factor, let mode):
        ("OrthogonalRegularizer", [("factor", .number(factor)), ("mode", .string(mode.rawValue))])
      }
    return .object([("class_name", .string(name)), ("config", .object(arguments))])
  }

  /// Reads a regulariser from Keras' form, or by a name alone.
  ///
  /// - Throws: `badArgument` for another class, and for an argument that is unknown or wrong.
  public init(json: JSONValue) throws(RecurraError) {
    let (name, a) = try LayerArguments.named(json, "regularizer")
    switch name {
    case "l1": self = .l1(try a.number("l1", default: 0.01))
    case "l2": self = .l2(try a.number("l2", default: 0.01))
    case "l1l2": self = .l1l2(l1: try a.number("l1", default: 0), l2: try a.number("l2", default: 0))
    case "orthogonalregularizer":
      let mode = try a.string("mode", default: "rows")
      guard let mode = Mode(rawValue: mode) else {
        throw a.failure("mode", expected: "rows or columns", got: .string(mode))
      }
      self = .orthogonal(factor: try a.number("factor", default: 0.01), mode: mode)
    default:
      throw RecurraError(
        .badArgument, operation: "regularizer", expected: "L1, L2, L1L2 or OrthogonalRegularizer", got: name.excerpt)
    }
    try a.requireAllRead()
  }

  /// What is wrong for a weight of so many axes, as the end of "expected a regularizer"; nil where nothing is.
  func fault(axes: Int) -> String? {
    let numbers =
      switch self {
      case .l1(let factor), .l2(let factor), .orthogonal(let factor, _): [factor]
      case .l1l2(let l1, let l2): [l1, l2]
      }
    guard numbers.allSatisfy({ $0.isFinite && $0 >= 0 }) else { return "with finite factors of 0 or more" }
    if case .orthogonal = self, axes != 2 { return "for \(axes) axes" }
    return nil
  }
}
