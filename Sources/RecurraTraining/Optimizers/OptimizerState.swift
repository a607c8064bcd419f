package import RecurraLayers
package import RecurraTensor

/// What an optimiser remembers between updates, and the update of all parameters.
package final class OptimizerState {
  /// What is remembered of one parameter.
  struct Memory {
    /// nil before the parameter is trained.
    var moments: OptimizerMoments?
    /// The number of updates done; fewer than those of the model when the parameter was frozen for a while.
    var updates = 0
  }

  /// The rule and its settings; the learning rate may change between updates.
  package var optimizer: Optimizer { didSet { isValidated = false } }
  /// Tells whether the settings as they stand have been looked at: not again at every update.
  private var isValidated = false
  /// The number of updates done.
  package internal(set) var step = 0
  /// The model's parameters with their paths, frozen ones too.
  let all: [(path: String, parameter: Parameter)]
  /// What is changed as one: parameters, or their parts.
  let entries: [OptimizerEntry]
  /// In the order of the entries.
  var memories: [Memory]

  /// - Parameter parameters: the model's, with their paths; one that is frozen gets moments when it is trained for the
  ///   first time.
  package init(_ optimizer: Optimizer, _ parameters: [(path: String, parameter: Parameter)]) {
    self.optimizer = optimizer
    all = parameters
    entries = OptimizerEntry.list(parameters, optimizer)
    memories = entries.map { _ in Memory() }
  }

  /// The parameters that are trained now, in the model's order; gradients come in this order.
  package var parameters: [Parameter] { all.map(\.parameter).filter(\.isTrainable) }

  /// Changes every trainable parameter in place by its gradient; changes none of them when a gradient is not finite.
  ///
  /// Nothing may hold the graph of the loss any more, or the values it holds are copied first.
  ///
  /// - Parameters:
  ///   - gradients: one for each of `parameters`; let go of where they are clipped by value.
  ///   - scale: what each gradient is multiplied by first: 1 / n makes the mean of a sum over n.
  ///   - place: where in the training this is, for the error.
  package func update(
    _ gradients: inout [Gradient], scale: Double = 1, at place: () -> String
  ) throws(RecurraError) {
    if !isValidated { try optimizer.validate { "\(place()), \(optimizer.name)" } }
    isValidated = true
    let trained = all.indices.filter { all[$0].parameter.isTrainable }
    guard gradients.count == trained.count else {
      throw RecurraError(
        .badArgument, operation: place(), expected: "gradients of the \(trained.count) parameters that are trainable",
        got: "\(gradients.count)")
    }
    let rate = optimizer.learningRate(at: step)
    guard rate.isFinite, rate >= 0 else {
      throw RecurraError(
        .badArgument, operation: "\(place()), \(optimizer.name)",
        expected: "a finite learning rate of 0 or more from the schedule", got: "\(rate)")
    }
    var positions = [Int?](repeating: nil, count: all.count)
    for (position, index) in trained.enumerated() { positions[index] = position }
    let paths = trained.map { all[$0].path }
    if let count = optimizer.gradientAccumulationSteps {
      try requireFinite(gradients, scale, paths, place)
      begin()
      let isComplete = (step + 1) % count == 0
      accumulate(&gradients, scale, positions, into: isComplete ? count : nil)
      guard isComplete else {
        step += 1
        average(isUpdate: false)
        return
      }
    }
    let common = optimizer.gradientAccumulationSteps == nil ? scale : 1
    let scales = try clip(&gradients, common, paths, place)
    begin()
    step += 1
    for (i, entry) in entries.enumerated() {
      guard let position = positions[entry.index] else { continue }
      memories[i].updates += 1
      let gradient = entry.part(of: gradients[position])
      let update = ParameterUpdate(
        learningRate: rate, weightDecay: optimizer.weightDecay(of: entry),
        gradientScale: entry.rows == nil
          ? scales[position] : optimizer.clipping.scale(of: gradient, common) ?? scales[position],
        step: memories[i].updates, path: entry.path, hasSchedule: optimizer.learningRateSchedule != nil)
      // Out of its place for the while, so that nothing else holds the moments and they change in place.
      guard var moments = memories[i].moments.take() else { continue }
      entry.update { optimizer.rule.apply(update, to: &$0, gradient, &moments) }
      memories[i].moments = moments
    }
    average(isUpdate: true)
  }

  /// Finds a parameter that is not finite, frozen ones too: a last update that went too far shows in no loss.
  ///
  /// - Returns: the path of the first one; nil when all are finite.
  /// - Complexity: one pass over all parameters.
  package func firstNonFiniteParameter() -> String? { all.first { !$0.parameter.value.isAllFinite }?.path }

  /// Makes the moments of parameters that are trainable and have none.
  func begin() {
    for (i, entry) in entries.enumerated() where memories[i].moments == nil && entry.parameter.isTrainable {
      memories[i].moments = OptimizerMoments(optimizer.moments(of: entry), dtype: entry.parameter.dtype)
    }
  }

  /// Refuses gradients that are not finite, and returns the sum of squares of each.
  @discardableResult
  private func requireFinite(
    _ gradients: [Gradient], _ scale: Double, _ paths: [String], _ place: () -> String
  ) throws(RecurraError) -> [Double] {
    var squares: [Double] = []
    for (path, gradient) in zip(paths, gradients) {
      let sum = gradient.storedSumOfSquares * scale * scale
      // The squares of float32 never overflow a Double, and a float64 gradient of 1e154 is as good as infinite.
      guard sum.isFinite else {
        throw RecurraError(
          .notFinite, operation: place(), expected: "a finite gradient of \(path)",
          got: "\(sum.isNaN ? "NaN" : "infinity") in it")
      }
      squares.append(sum)
    }
    return squares
  }

  /// Cuts gradients by value, and returns what each is to be multiplied by.
  private func clip(
    _ gradients: inout [Gradient], _ scale: Double, _ paths: [String], _ place: () -> String
  ) throws(RecurraError) -> [Double] {
    // A norm is that of the whole gradient, where rows of an embedding that came twice have been added up.
    if optimizer.clipping != .none { for i in gradients.indices { gradients[i] = .dense(gradients[i].dense) } }
    let squares = try requireFinite(gradients, scale, paths, place)
    switch optimizer.clipping {
    case .none: break
    case .value(let limit):
      for i in gradients.indices {
        var dense = gradients[i].dense
        gradients[i] = .dense(.zeros([0]))
        dense.clip(to: limit, scale: scale)
        gradients[i] = .dense(dense)
      }
      return squares.map { _ in 1 }
    case .norm(let limit): return squares.map { Optimizer.Clipping.scale($0, to: limit, scale) }
    case .globalNorm(let limit):
      let norm = squares.reduce(0, +).squareRoot()
      return squares.map { _ in scale * (limit / max(norm, limit)) }
    }
    return squares.map { _ in scale }
  }
}

extension Tensor {
  /// Multiplies every element and cuts it to −limit … limit, in place.
  fileprivate mutating func clip(to limit: Double, scale: Double) {
    func cut<S: FloatingScalar>(_ type: S.Type) {
      let (limit, scale) = (S(limit), S(scale))
      withMutableSpan(of: S.self) { values in
        for i in 0..<values.count { values[i] = Swift.max(-limit, Swift.min(limit, values[i] * scale)) }
      }
    }
    if dtype == .float32 { cut(Float.self) } else { cut(Double.self) }
  }
}
