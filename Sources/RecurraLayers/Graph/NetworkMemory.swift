internal import RecurraCells
package import RecurraTensor
internal import Synchronization

/// What a model asks for before it takes memory.
extension Network {
  /// Asks, once, for the parameters that have no value yet, and for what drawing the largest one takes besides.
  package func requireParameterMemory(_ operation: String) throws(RecurraError) {
    if graph.hasParameterMemory.load(ordering: .relaxed) { return }
    var (total, largest) = (0, 0)
    for parameter in parameters where !parameter.hasValue {
      let bytes = parameter.count * parameter.dtype.byteCount
      (total, largest) = (total + bytes, max(largest, bytes))
    }
    try MemoryLimit.require(
      total + largest * Self.copiesInDrawing, operation, for: "drawing the parameters of \(name.excerpt)")
    graph.hasParameterMemory.store(true, ordering: .relaxed)
  }

  /// An orthogonal matrix is made from a random one, its factors, and their product with signs.
  private static var copiesInDrawing: Int { 3 }

  /// Asks for what the layers need for some rows that go through at a time, and for the outputs of all.
  ///
  /// - Parameters:
  ///   - shapes: those of each input's rows, their number first.
  ///   - batchSize: the rows that go through at a time.
  ///   - isTraining: whether all layers' outputs and gates are kept for the way back, or two layers' outputs at a time.
  ///   - unrolling: what recurrent layers keep in training.
  ///   - keepsOutputs: whether the outputs of all rows are kept, and joined where they come in several batches.
  package func requireMemory(
    forRows shapes: [[Int]], batchSize: Int, isTraining: Bool, unrolling: Unrolling = Unrolling(),
    keepsOutputs: Bool = false,
    _ operation: String
  ) throws(RecurraError) {
    guard let rows = shapes.first?.first, let dtype else { return }
    let longest = shapes.reduce(1) { max($0, $1.count > 1 ? $1[1] : 1) }
    let numbers = shapes.reduce(0) { MemoryLimit.sum($0, MemoryLimit.bytes($1)) }
    // A small call is not worth a look at every layer.
    let perStep = graph.numbersPerStep.load(ordering: .relaxed)
    if MemoryLimit.bytes(rows, longest, perStep) < 1 << 22, numbers < 1 << 22 { return }
    let batch = min(batchSize, rows)
    let need = try LayerNeed(self, shapes.map { [batch] + $0.dropFirst() }, unrolling)
    let remedy = isTraining ? "blockSize" : "batchSize"
    try MemoryLimit.require(
      MemoryLimit.bytes(isTraining ? need.ofAll : need.ofTwo, dtype.byteCount), operation,
      for: "\(batch) rows at a time (a smaller \(remedy) needs less)")
    guard keepsOutputs else { return }
    for shape in try outputShapes(for: shapes.map { [batch] + $0.dropFirst().map(Optional.some) }) {
      let outputs = [rows] + shape.dropFirst().map { $0 ?? 1 }
      try MemoryLimit.require(
        MemoryLimit.bytes(outputs + [batch < rows ? 2 : 1, dtype.byteCount]), operation, for: "outputs \(outputs)")
    }
  }

  /// Remembers about how many numbers all layers take for a timestep of a row, when the model is built; extents that
  /// are not known count as one.
  func rememberNumbersPerStep(_ shapes: [LayerShapes]) {
    let numbers = shapes.reduce(0) { sum, shapes in
      MemoryLimit.sum(
        sum, max(LayerNeed.count(shapes.outputs), layers[shapes.layer].keptCount([nil, nil], Unrolling())))
    }
    graph.numbersPerStep.store(numbers, ordering: .relaxed)
  }
}

/// The numbers that layers need for some rows.
private struct LayerNeed {
  /// The outputs and kept gates of all layers.
  private(set) var ofAll = 0
  /// Inputs and outputs of the layer where these are largest.
  private(set) var ofTwo = 0

  init(_ model: some Network, _ inputs: [[Int]], _ unrolling: Unrolling) throws(RecurraError) {
    for shapes in try model.layerShapes(for: inputs.map { $0.map(Optional.some) }) {
      let after = Self.count(shapes.outputs)
      ofTwo = max(ofTwo, MemoryLimit.sum(Self.count(shapes.inputs), after))
      ofAll = MemoryLimit.sum(ofAll, max(after, model.layers[shapes.layer].keptCount(shapes.inputs[0], unrolling)))
    }
  }

  static func count(_ shapes: [[Int?]]) -> Int {
    shapes.reduce(0) { MemoryLimit.sum($0, MemoryLimit.bytes($1.map { $0 ?? 1 })) }
  }
}

extension Layer {
  /// Numbers that a recurrent layer keeps for the way back: gates and states of every timestep.
  fileprivate func keptCount(_ input: [Int?], _ unrolling: Unrolling) -> Int {
    guard let parts = recurrentParts else { return 0 }
    let (rows, timesteps) = (input.first.flatMap { $0 } ?? 1, input.count > 1 ? input[1] ?? 1 : 1)
    // Where stretches are computed a second time, one of them is kept whole, and the states in front of each.
    let chunks = unrolling.recomputes ? unrolling.chunks(timesteps: timesteps) : nil
    let whole = chunks.map { min($0.size, timesteps) } ?? timesteps
    let states = chunks.map { timesteps / $0.size + 1 } ?? 0
    return (parts.forward + parts.backward).reduce(0) { total, layer in
      let ofUnits = MemoryLimit.sum(
        MemoryLimit.bytes(whole, layer.cell.numbersPerUnit), MemoryLimit.bytes(states, layer.cell.stateCount))
      return MemoryLimit.sum(total, MemoryLimit.bytes(rows, layer.options.units, ofUnits))
    }
  }
}

extension MemoryLimit {
  /// The sum of two counts, or `Int.max` where it does not fit in `Int`.
  static func sum(_ first: Int, _ second: Int) -> Int {
    let (total, overflow) = first.addingReportingOverflow(second)
    return overflow ? .max : total
  }
}
