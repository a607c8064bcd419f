internal import RecurraTensor

/// The operators there are.
struct OperatorTable: Sendable {
  /// Makes an operator ready for a node.
  typealias Maker = @Sendable (ONNXNode) throws(RecurraError) -> OperatorBody

  /// An operator: since which version it is known, and how it is made.
  struct Entry: Sendable {
    let name: String
    let since: Int
    let make: Maker

    init(_ name: String, since: Int = 1, _ make: @escaping Maker) {
      (self.name, self.since, self.make) = (name, since, make)
    }

    /// An operator without attributes.
    init(_ name: String, since: Int = 1, inputs: ClosedRange<Int>, _ body: @escaping OperatorBody) {
      self.init(name, since: since) { (node) throws(RecurraError) in
        try node.expectInputs(inputs)
        return body
      }
    }
  }

  /// The versions of ONNX' own operators that are read.
  static let versions = 1...28

  /// Operators that meant before version 7, when broadcasting came, what they mean now.
  static let unchanged: Set<String> = [
    "Abs", "ArgMax", "ArgMin", "AveragePool", "Ceil", "Constant", "Conv", "ConvTranspose", "DepthToSpace", "Elu", "Exp",
    "Flatten", "Floor", "GlobalAveragePool", "GlobalMaxPool", "HardSigmoid", "Hardmax", "Identity",
    "InstanceNormalization", "LeakyRelu", "Log", "LogSoftmax", "LpNormalization", "MatMul", "MaxPool", "Neg", "Not",
    "Reciprocal", "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin",
    "ReduceProd", "ReduceSum", "ReduceSumSquare", "Relu", "Selu", "Shape", "Sigmoid", "Size", "Slice", "Softmax",
    "Softplus", "Softsign", "SpaceToDepth", "Sqrt", "Squeeze", "Tanh", "Transpose", "Unsqueeze",
  ]

  /// All operators by name.
  static let standard: [String: Entry] = {
    let families: [[Entry]] = [
      arithmetic, comparison, elementwise, activations, matrices, convolution, pooling, normalization, gathering,
      scattering, slicing, shaping, reductions, ordering, creation, casting, control, recurrent, quantization, padding,
    ]
    return Dictionary(families.joined().map { ($0.name, $0) }) { first, _ in first }
  }()

  /// The names of all operators, in alphabetical order.
  static var names: [String] { standard.keys.sorted() }
}
