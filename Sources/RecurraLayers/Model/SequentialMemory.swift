internal import RecurraCells
package import RecurraTensor
internal import Synchronization

/// What a model asks for before it draws parameters.
extension Network {
  /// Asks, once, for the parameters that have no value yet, and for what drawing the largest one takes besides.
  package func requireParameterMemory(_ operation: String) throws(RecurraError) {
    if networkState.hasParameterMemory.load(ordering: .relaxed) { return }
    var (total, largest) = (0, 0)
    for parameter in parameters where !parameter.hasValue {
      let bytes = parameter.count * parameter.dtype.byteCount
      (total, largest) = (total + bytes, max(largest, bytes))
    }
    try MemoryLimit.require(
      total + largest * Self.copiesInDrawing, operation, for: "drawing the parameters of \(name.excerpt)")
    networkState.hasParameterMemory.store(true, ordering: .relaxed)
  }

  /// An orthogonal matrix is made from a random one, its factors, and their product with signs.
  private static var copiesInDrawing: Int { 3 }
}

/// What a model asks for before it takes memory.
extension Sequential {
  /// Asks for what the layers need for some rows that go through at a time, and for the outputs of all.
  ///
  /// - Parameters:
  ///   - shape: that of the rows, their number first.
  ///   - batchSize: the rows that go through at a time.
  ///   - isTraining: whether all layers' outputs and gates are kept for the way back, or two layers' outputs at a time.
  ///   - keepsOutputs: whether the outputs of all rows are kept, and joined where they come in several batches.
  package func requireMemory(
    forRows shape: [Int], batchSize: Int, isTraining: Bool, keepsOutputs: Bool = false, _ operation: String
  ) throws(RecurraError) {
    guard let rows = shape.first, let numbersPerStep, let dtype else { return }
    let steps = Self.product(rows, shape.count > 1 ? shape[1] : 1)
    // A small call is not worth a look at every layer.
    if Self.product(steps, numbersPerStep) < 1 << 22, Self.product(shape) < 1 << 22 { return }
    let batch = min(batchSize, rows)
    let numbers = try Need(layers, [batch] + shape.dropFirst())
    let remedy = isTraining ? "blockSize" : "batchSize"
    try MemoryLimit.require(
      Self.product(isTraining ? numbers.ofAll : numbers.ofTwo, dtype.byteCount), operation,
      for: "\(batch) rows at a time (a smaller \(remedy) needs less)")
    guard keepsOutputs else { return }
    let outputs = [rows] + numbers.output.dropFirst().map { $0 ?? 1 }
    try MemoryLimit.require(
      Self.product(outputs + [batch < rows ? 2 : 1, dtype.byteCount]), operation, for: "outputs \(outputs)")
  }

  /// About how many numbers all layers take for a timestep of a row; extents that are not known count as one.
  func numbersPerStep(_ outputShapes: [[Int?]]) -> Int {
    zip(layers, outputShapes).reduce(0) { sum, pair in
      Self.sum(sum, max(Self.product(pair.1.map { $0 ?? 1 }), Self.keptCount(pair.0, [nil, nil])))
    }
  }

  /// The numbers that layers need for some rows.
  private struct Need {
    /// The outputs and kept gates of all layers.
    private(set) var ofAll = 0
    /// Input and output of the layer where these are largest.
    private(set) var ofTwo = 0
    /// The shape of the last output.
    private(set) var output: [Int?]

    init(_ layers: [any Layer], _ input: [Int]) throws(RecurraError) {
      output = input.map(Optional.some)
      for layer in layers {
        let next = try layer.outputShape(for: output)
        let (before, after) = (Sequential.product(output.map { $0 ?? 1 }), Sequential.product(next.map { $0 ?? 1 }))
        ofTwo = max(ofTwo, Sequential.sum(before, after))
        ofAll = Sequential.sum(ofAll, max(after, Sequential.keptCount(layer, output)))
        output = next
      }
    }
  }

  /// Numbers that a recurrent layer keeps for the way back: gates and states of every timestep.
  private static func keptCount(_ layer: any Layer, _ input: [Int?]) -> Int {
    let recurrent = layer.recurrentParts.map { $0.forward + $0.backward } ?? []
    let steps = product(input.prefix(2).map { $0 ?? 1 })
    return recurrent.reduce(0) { total, layer in
      sum(total, product([steps, layer.options.units, layer.cell.gateCount + layer.cell.stateCount]))
    }
  }

  private static func product(_ counts: Int...) -> Int { MemoryLimit.bytes(counts) }
  private static func product(_ counts: [Int]) -> Int { MemoryLimit.bytes(counts) }

  private static func sum(_ first: Int, _ second: Int) -> Int {
    let (total, overflow) = first.addingReportingOverflow(second)
    return overflow ? .max : total
  }
}
