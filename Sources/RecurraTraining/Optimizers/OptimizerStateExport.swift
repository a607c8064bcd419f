internal import RecurraLayers
package import RecurraTensor

/// What an optimiser remembers, as tensors with names.
extension OptimizerState {
  /// The name of the number of updates.
  static let iteration = "iteration"
  private static let learningRate = "learning_rate"

  /// The number of variables Keras counts: the update's number, the learning rate, and every moment.
  package var variableCount: Int {
    begin()
    return memories.reduce(2) { sum, memory in sum + (memory.moments?.tensors.reduce(0) { $0 + $1.count } ?? 0) }
  }

  /// Everything that is needed to go on as if there had been no break: names as Keras', and tensors.
  ///
  /// Single numbers are kept in float64, so that they come back to the bit. A parameter that has been trained less
  /// often than the model, or is frozen now, has a number of updates of its own.
  package func exported() -> [(name: String, value: Tensor)] {
    begin()
    var result = [
      (Self.iteration, Tensor(Double(step), dtype: .float64)),
      (Self.learningRate, Tensor(optimizer.learningRate, dtype: .float64)),
    ]
    for (entry, memory) in zip(entries, memories) {
      guard let moments = memory.moments else { continue }
      let (path, parameter) = (entry.path, entry.parameter)
      for (name, value) in zip(moments.names, moments.tensors) { result.append((path + "/" + name, value)) }
      if memory.updates != step || !parameter.isTrainable {
        result.append((path + "/" + Self.iteration, Tensor(Double(memory.updates), dtype: .float64)))
      }
    }
    return result
  }

  /// Takes back what `exported` gave; keeps everything as it is when that does not fit.
  ///
  /// - Throws: `RecurraError` of kind `badFile` when a tensor is missing, left over, or of another shape, type or
  ///   range.
  package func restore(_ state: [String: Tensor]) throws(RecurraError) {
    var source = StateReader(state)
    let iterations = try source.count(Self.iteration)
    let rate = try source.number(Self.learningRate)
    guard rate.isFinite, rate >= 0 else {
      throw source.failure(Self.learningRate, expected: "a finite number of 0 or more", got: "\(rate)")
    }
    var restored: [Memory] = []
    for entry in entries {
      let (path, parameter, kept) = (entry.path, entry.parameter, optimizer.moments(of: entry))
      let names = kept.map { (name: $0.moment.name, path: path + "/" + $0.moment.name, shape: $0.shape) }
      let own = path + "/" + Self.iteration
      // One that was frozen all the time has left nothing.
      guard parameter.isTrainable || state[own] != nil || names.contains(where: { state[$0.path] != nil }) else {
        restored.append(Memory())
        continue
      }
      var moments = OptimizerMoments(kept, dtype: parameter.dtype)
      for (name, path, shape) in names {
        moments[name] = try source.tensor(path, shape: shape, dtype: parameter.dtype)
      }
      let updates = state[own] == nil ? iterations : try source.count(own)
      guard updates <= iterations else {
        throw source.failure(own, expected: "at most \(iterations) updates", got: "\(updates)")
      }
      restored.append(Memory(moments: moments, updates: updates))
    }
    try source.requireAllRead()
    (step, optimizer.learningRate, memories) = (iterations, rate, restored)
  }
}

/// Reads tensors by name, each once.
private struct StateReader {
  private let state: [String: Tensor]
  private var unread: Set<String>

  init(_ state: [String: Tensor]) {
    self.state = state
    unread = Set(state.keys)
  }

  mutating func tensor(_ name: String, shape: [Int], dtype: DType) throws(RecurraError) -> Tensor {
    guard let given = state[name] else {
      throw RecurraError(.badFile, operation: "optimizer state", expected: "a tensor \(name)", got: "none")
    }
    guard given.shape == shape, given.dtype == dtype else {
      throw failure(name, expected: "\(dtype) \(shape)", got: "\(given.dtype) \(given.shape)")
    }
    unread.remove(name)
    return given
  }

  mutating func number(_ name: String) throws(RecurraError) -> Double {
    try tensor(name, shape: [], dtype: .float64).item
  }

  mutating func count(_ name: String) throws(RecurraError) -> Int {
    let number = try number(name)
    // Beyond 2⁵³ one more update would not change the number.
    guard let count = Int(exactly: number), count >= 0, count < 1 << 53 else {
      throw failure(name, expected: "a whole number of updates", got: "\(number)")
    }
    return count
  }

  func requireAllRead() throws(RecurraError) {
    guard let extra = unread.min() else { return }
    throw RecurraError(
      .badFile, operation: "optimizer state", expected: "\(state.count - unread.count) tensors",
      got: "also \(extra.excerpt)")
  }

  func failure(_ name: String, expected: String, got: String) -> RecurraError {
    RecurraError(.badFile, operation: "optimizer state \(name)", expected: expected, got: got)
  }
}
