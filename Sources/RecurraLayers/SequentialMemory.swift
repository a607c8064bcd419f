internal import RecurraCells
package import RecurraTensor

/// What a model asks for before it takes memory.
extension Sequential {
  /// Asks for the parameters that have no value yet, and for what drawing the largest one takes besides.
  package func requireParameterMemory(_ operation: String) throws(RecurraError) {
    var (total, largest) = (0, 0)
    for parameter in parameters where !parameter.hasValue {
      let bytes = parameter.count * parameter.dtype.byteCount
      (total, largest) = (total + bytes, max(largest, bytes))
    }
    try MemoryLimit.require(
      total + largest * Self.copiesInDrawing, operation, for: "drawing the parameters of \(name.excerpt)")
  }

  /// An orthogonal matrix is made from a random one, its factors, and their product with signs.
  private static let copiesInDrawing = 3

  /// Asks for what the layers need for some rows that go through at a time.
  ///
  /// - Parameters:
  ///   - shape: that of the rows, their number first.
  ///   - isTraining: whether all layers' outputs and gates are kept for the way back, or two layers' outputs at a time.
  package func requireMemory(
    forRows shape: [Int], isTraining: Bool, _ operation: String
  ) throws(RecurraError) {
    let width = (dtype ?? .float32).byteCount
    var (current, total, largest) = (shape.map(Optional.some), 0, 0)
    for layer in layers {
      let next = try layer.outputShape(for: current)
      let (before, after) = (Self.count(current), Self.count(next))
      let kept = isTraining ? Self.keptCount(layer, current) : 0
      largest = max(largest, before.addingReportingOverflow(after).overflow ? .max : before + after)
      total = total.addingReportingOverflow(max(after, kept)).overflow ? .max : total + max(after, kept)
      current = next
    }
    let remedy = isTraining ? "blockSize" : "batchSize"
    try MemoryLimit.require(
      MemoryLimit.bytes(isTraining ? total : largest, width), operation,
      for: "\(shape.first ?? 0) rows at a time (a smaller \(remedy) needs less)")
  }

  /// Numbers that a recurrent layer keeps for the way back: gates and states of every timestep.
  private static func keptCount(_ layer: any Layer, _ input: [Int?]) -> Int {
    let directions = (layer as? Bidirectional).map { $0.forwardLayers + $0.backwardLayers }
    let recurrent = directions ?? [layer as? any RecurrentLayer].compactMap { $0 }
    return recurrent.reduce(0) { sum, layer in
      let numbers = MemoryLimit.bytes(
        input.prefix(2).compactMap { $0 } + [layer.options.units, layer.cell.gateCount + layer.cell.stateCount])
      return sum.addingReportingOverflow(numbers).overflow ? .max : sum + numbers
    }
  }

  private static func count(_ shape: [Int?]) -> Int { MemoryLimit.bytes(shape.map { $0 ?? 1 }) }
}
