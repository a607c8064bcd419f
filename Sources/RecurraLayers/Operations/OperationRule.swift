internal import RecurraTensor

/// How an operation is computed: the shape first, which refuses all that does not go together, then the numbers.
struct OperationRule: Sendable {
  typealias ShapeFunction = @Sendable (OperationCall) throws(RecurraError) -> [Int?]
  typealias Computation = @Sendable (OperationCall) throws(RecurraError) -> Tensor

  let shape: ShapeFunction
  let compute: Computation

  init(shape: @escaping ShapeFunction, compute: @escaping Computation) {
    (self.shape, self.compute) = (shape, compute)
  }

  /// By Keras' names.
  static let all: [String: OperationRule] = {
    var all = functions
    for table in [arithmetic, comparisons, reductions, shapes] { all.merge(table) { $1 } }
    return all
  }()

  private static func unary(_ function: @escaping @Sendable (Tensor) -> Tensor) -> OperationRule {
    OperationRule { call throws(RecurraError) in
      try call.shape(0, "x")
    } compute: { call throws(RecurraError) in
      let x = try call.tensor(0, "x")
      return function(x.dtype.isFloating ? x : x.converted(to: .float32))
    }
  }

  private static func activation(_ function: Activation) -> OperationRule { unary { function($0) } }

  private static let functions: [String: OperationRule] = [
    "Negative": unary { -$0 }, "Abs": unary { $0.abs() }, "Absolute": unary { $0.abs() }, "Exp": unary { $0.exp() },
    "Log": unary { $0.log() }, "Log1p": unary { ($0 + 1).log() }, "Expm1": unary { $0.exp() - 1 },
    "Sqrt": unary { $0.sqrt() }, "Rsqrt": unary { 1 / $0.sqrt() }, "Square": unary { $0.squared },
    "Reciprocal": unary { 1 / $0 }, "Tanh": activation(.tanh), "Sigmoid": activation(.sigmoid),
    "Relu": activation(.relu), "Relu6": activation(.relu6), "Silu": activation(.silu), "Gelu": activation(.gelu),
    "Softplus": activation(.softplus), "Softsign": activation(.softsign), "Elu": activation(.elu),
    "Selu": activation(.selu), "HardSigmoid": activation(.hardSigmoid), "HardSilu": activation(.hardSilu),
    "HardTanh": activation(.hardTanh), "LogSigmoid": activation(.logSigmoid), "Identity": unary { $0 },
    "ZerosLike": unary { $0 * 0 }, "OnesLike": unary { $0 * 0 + 1 },
    "Softmax": alongAxis(.softmax), "LogSoftmax": alongAxis(.logSoftmax), "Cast": cast,
    "Clip": OperationRule { call throws(RecurraError) in
      try call.shape(0, "x")
    } compute: { call throws(RecurraError) in
      let x = try call.tensor(0, "x")
      let low = call.setting("x_min", at: 1).map { (try? call.tensor($0).item) ?? -.infinity } ?? -.infinity
      let high = call.setting("x_max", at: 2).map { (try? call.tensor($0).item) ?? .infinity } ?? .infinity
      guard low <= high else { throw call.failure(expected: "bounds in their order", got: "\(low) and \(high)") }
      return x.clipped(to: low...high)
    },
  ]

  private static func alongAxis(_ function: Activation) -> OperationRule {
    OperationRule { call throws(RecurraError) in
      let shape = try call.shape(0, "x")
      _ = try call.oneAxis(rank: shape.count, default: -1)
      return shape
    } compute: { call throws(RecurraError) in
      let x = try call.tensor(0, "x")
      let axis = try call.oneAxis(rank: x.rank, default: -1)
      return axis == x.rank - 1 ? function(x) : function(x.transposed(axis, -1)).transposed(axis, -1)
    }
  }

  private static let cast = OperationRule { call throws(RecurraError) in
    try call.shape(0, "x")
  } compute: { call throws(RecurraError) in
    let x = try call.tensor(0, "x")
    guard case .text(let name)? = call.setting("dtype") else { return x }
    switch name {
    case "float64": return x.converted(to: .float64)
    case let name where name.hasPrefix("float"): return x.converted(to: .float32)
    case "bool": return x.isNotEqual(to: Tensor(0, dtype: x.dtype))
    case let name where name.contains("int"): return x.converted(to: .int32)
    default: throw call.failure(expected: "a type of numbers", got: name)
    }
  }

  static func binary(
    asFloats: Bool = false, _ function: @escaping @Sendable (Tensor, Tensor) -> Tensor
  ) -> OperationRule {
    OperationRule { call throws(RecurraError) in
      try call.broadcast([call.shape(0, "x1"), call.shape(1, "x2")])
    } compute: { call throws(RecurraError) in
      let (left, right) = (call.argument(0, "x1"), call.argument(1, "x2"))
      let own = call.dtype(of: [left, right])
      let dtype = asFloats && own == .int32 ? .float32 : own
      return function(try call.tensor(left, as: dtype), try call.tensor(right, as: dtype))
    }
  }

  private static let arithmetic: [String: OperationRule] = [
    "Add": binary { $0 + $1 }, "Subtract": binary { $0 - $1 }, "Multiply": binary { $0 * $1 },
    "TrueDivide": binary(asFloats: true) { $0 / $1 }, "Divide": binary(asFloats: true) { $0 / $1 },
    "Power": binary(asFloats: true) { $0.power($1) },
    "Maximum": binary(asFloats: true) { Tensor.maximum($0, $1) },
    "Minimum": binary(asFloats: true) { Tensor.minimum($0, $1) }, "Matmul": product, "Dot": product,
  ]

  private static let product = OperationRule { call throws(RecurraError) in
    let (left, right) = (try call.shape(0, "x1"), try call.shape(1, "x2"))
    guard left.count >= 2, right.count == 2 || right.count == left.count else {
      throw call.failure(
        expected: "matrices, or as many axes on both sides", got: "\(text(of: left)) and \(text(of: right))")
    }
    let (rows, inner) = (left[left.count - 2], left[left.count - 1])
    let (other, columns) = (right[right.count - 2], right[right.count - 1])
    guard inner == nil || other == nil || inner == other else {
      throw call.failure(expected: "\(inner ?? 0) rows on the right", got: "\(other ?? 0)")
    }
    let batch = try call.broadcast([Array(left.dropLast(2)), Array(right.dropLast(2))])
    guard right.count == 2 || batch == Array(left.dropLast(2)) else {
      throw call.failure(expected: "one batch on both sides", got: "\(text(of: left)) and \(text(of: right))")
    }
    return batch + [rows, columns]
  } compute: { call throws(RecurraError) in
    let dtype = call.dtype(of: [call.argument(0, "x1"), call.argument(1, "x2")])
    let type = dtype == .int32 ? DType.float32 : dtype
    let (left, right) = (try call.tensor(0, "x1", as: type), try call.tensor(1, "x2", as: type))
    guard right.rank == 2, left.rank > 2 else { return left.matrixProduct(right) }
    let flat = left.reshaped([Shape.count(Array(left.shape.dropLast())), left.shape[left.rank - 1]])
    return flat.matrixProduct(right).reshaped(left.shape.dropLast() + [right.shape[1]])
  }

  private static func truth(_ tensor: Tensor) -> Tensor { tensor.isNotEqual(to: Tensor(0, dtype: tensor.dtype)) }

  private static let comparisons: [String: OperationRule] = [
    "Equal": binary { $0.isEqual(to: $1) }, "NotEqual": binary { $0.isNotEqual(to: $1) },
    "Less": binary { $0.isLess(than: $1) }, "Greater": binary { $0.isGreater(than: $1) },
    "LessEqual": binary { Tensor.select($0.isLess(than: $1), ones, $0.isEqual(to: $1)) },
    "GreaterEqual": binary { Tensor.select($0.isGreater(than: $1), ones, $0.isEqual(to: $1)) },
    "LogicalAnd": binary { truth($0) * truth($1) },
    "LogicalOr": binary { Tensor.select(truth($0), ones, truth($1)) },
    "LogicalNot": OperationRule { call throws(RecurraError) in
      try call.shape(0, "x")
    } compute: { call throws(RecurraError) in
      let x = try call.tensor(0, "x")
      return x.isEqual(to: Tensor(0, dtype: x.dtype))
    },
    "Where": OperationRule { call throws(RecurraError) in
      try call.broadcast([call.shape(0, "condition"), call.shape(1, "x1"), call.shape(2, "x2")])
    } compute: { call throws(RecurraError) in
      let dtype = call.dtype(of: [call.argument(1, "x1"), call.argument(2, "x2")])
      return Tensor.select(
        truth(try call.tensor(0, "condition")), try call.tensor(1, "x1", as: dtype),
        try call.tensor(2, "x2", as: dtype))
    },
  ]

  private static var ones: Tensor { Tensor([1] as [Int32], shape: []) }
}
