/// Which constants of a graph are weights that training changes: by what reads them.
enum TrainableWeights {
  /// Inputs of operators that are weights, whether an initializer or a node gives them.
  private static let weights: [String: Set<Int>] = [
    "MatMul": [0, 1], "Gemm": [0, 1, 2], "Conv": [1, 2], "ConvTranspose": [1, 2], "LSTM": [1, 2, 3, 7],
    "GRU": [1, 2, 3], "RNN": [1, 2, 3], "Gather": [0], "BatchNormalization": [1, 2], "LayerNormalization": [1, 2],
    "InstanceNormalization": [1, 2], "GroupNormalization": [1, 2], "RMSNormalization": [1], "PRelu": [1],
    "Einsum": [0, 1],
  ]
  /// Those that are weights where an initializer gives them: a node's constant is a number of the formula there.
  private static let weightsOfInitializers: [String: Set<Int>] = [
    "Add": [0, 1], "Sub": [0, 1], "Mul": [0, 1], "Div": [0, 1], "Transpose": [0], "Reshape": [0], "Unsqueeze": [0],
    "Squeeze": [0], "Slice": [0], "Identity": [0], "Concat": Set(0..<16), "Split": [0],
  ]
  /// Those that a layer follows with its batches, and training does not change.
  private static let statistics: [String: Set<Int>] = ["BatchNormalization": [3, 4]]

  struct Names {
    var weights: Set<[UInt8]> = []
    var weightsOfInitializers: Set<[UInt8]> = []
    var statistics: Set<[UInt8]> = []
  }

  /// The names that are read as weights by nodes, or by the graphs inside them.
  static func names(in nodes: [ONNXNodeMessage]) -> Names {
    var names = Names()
    var pending = nodes
    while let node = pending.popLast() {
      for (index, input) in node.input.enumerated() where !input.isEmpty {
        let key = Array(input.utf8)
        if weights[node.opType]?.contains(index) == true { names.weights.insert(key) }
        if weightsOfInitializers[node.opType]?.contains(index) == true { names.weightsOfInitializers.insert(key) }
        if statistics[node.opType]?.contains(index) == true { names.statistics.insert(key) }
      }
      for graph in node.graphs { pending += graph.node }
    }
    return names
  }
}
