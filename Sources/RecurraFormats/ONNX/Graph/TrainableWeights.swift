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
    "Add": [0, 1], "Sub": [0, 1], "Mul": [0, 1], "Div": [0, 1],
  ]
  /// Operators that leave numbers as they are: what becomes a weight behind them is one in front of them.
  private static let moving: Set<String> = [
    "Transpose", "Reshape", "Unsqueeze", "Squeeze", "Slice", "Identity", "Split", "Concat",
  ]
  /// Those that a layer follows with its batches, and training does not change.
  private static let statistics: [String: Set<Int>] = ["BatchNormalization": [3, 4]]

  struct Names {
    var weights: Set<[UInt8]> = []
    var weightsOfInitializers: Set<[UInt8]> = []
    var statistics: Set<[UInt8]> = []

    /// Tells whether a floating constant is a weight or a statistic.
    func isWeight(_ name: String, isInitializer: Bool) -> Bool {
      let key = Array(name.utf8)
      return weights.contains(key) || (isInitializer && weightsOfInitializers.contains(key)) || isStatistic(name)
    }

    func isStatistic(_ name: String) -> Bool { statistics.contains(Array(name.utf8)) }
  }

  /// The names that are read as weights by nodes, or by the graphs inside them.
  static func names(in nodes: [ONNXNodeMessage]) -> Names {
    var (names, all, pending) = (Names(), [ONNXNodeMessage](), Array(nodes.reversed()))
    while let node = pending.popLast() {
      all.append(node)
      for graph in node.graphs { pending += graph.node.reversed() }
    }
    // Names of weights whose makers are looked for further back.
    var carried: Set<[UInt8]> = []
    for node in all.reversed() {
      let moved = moving.contains(node.opType) && node.output.contains { carried.contains(Array($0.utf8)) }
      // The left side of a product is mostly what is computed, and not a weight.
      let isProduct = ["MatMul", "Gemm", "Einsum"].contains(node.opType)
      // What a function of the file does with an initializer is not looked into: mostly it is a weight.
      let isOwn = !node.domain.isEmpty && node.domain != "ai.onnx" && node.domain != "com.microsoft"
      for (index, input) in node.input.enumerated() where !input.isEmpty {
        let key = Array(input.utf8)
        let isWeight = weights[node.opType]?.contains(index) == true
        let isMoved = moved && (index == 0 || node.opType == "Concat")
        if isWeight || isMoved { names.weights.insert(key) }
        if isMoved || (isWeight && !(isProduct && index == 0)) { carried.insert(key) }
        if isOwn || weightsOfInitializers[node.opType]?.contains(index) == true {
          names.weightsOfInitializers.insert(key)
        }
        if statistics[node.opType]?.contains(index) == true { names.statistics.insert(key) }
      }
    }
    return names
  }
}
