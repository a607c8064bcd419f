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
  /// In the order of the parameters.
  var memories: [Memory]

  /// - Parameter parameters: the model's, with their paths; one that is frozen gets moments when it is trained for the
  ///   first time.
  package init(_ optimizer: Optimizer, _ parameters: [(path: String, parameter: Parameter)]) {
    self.optimizer = optimizer
    all = parameters
    memories = parameters.map { _ in Memory() }
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
    let scales = try clip(&gradients, scale, trained.map { all[$0].path }, place)
    begin()
    step += 1
    for (position, i) in trained.enumerated() {
      memories[i].updates += 1
      let update = ParameterUpdate(
        learningRate: optimizer.learningRate, weightDecay: optimizer.weightDecay, gradientScale: scales[position],
        step: memories[i].updates)
      // Out of its place for the while, so that nothing else holds the moments and they change in place.
      guard var moments = memories[i].moments.take() else { continue }
      all[i].parameter.update { optimizer.rule.apply(update, to: &$0, gradients[position], &moments) }
      memories[i].moments = moments
    }
  }

  /// Finds a parameter that is not finite, frozen ones too: a last update that went too far shows in no loss.
  ///
  /// - Returns: the path of the first one; nil when all are finite.
  /// - Complexity: one pass over all parameters.
  package func firstNonFiniteParameter() -> String? { all.first { !$0.parameter.value.isAllFinite }?.path }

  /// Makes the moments of parameters that are trainable and have none.
  func begin() {
    for (i, (_, parameter)) in all.enumerated() where memories[i].moments == nil && parameter.isTrainable {
      memories[i].moments = OptimizerMoments(optimizer.moments, for: parameter)
    }
  }

  /// Cuts gradients by value, and returns what each is to be multiplied by.
  private func clip(
    _ gradients: inout [Gradient], _ scale: Double, _ paths: [String], _ place: () -> String
  ) throws(RecurraError) -> [Double] {
    // A norm is that of the whole gradient, where rows of an embedding that came twice have been added up.
    if optimizer.clipping != .none { for i in gradients.indices { gradients[i] = .dense(gradients[i].dense) } }
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
    case .norm(let limit): return squares.map { scale * (limit / max($0.squareRoot(), limit)) }
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
