package import RecurraLayers
package import RecurraTensor

/// What an optimiser remembers between updates, and the update of all parameters.
package final class OptimizerState {
  /// The rule and its settings; the learning rate may change between updates.
  package var optimizer: Optimizer
  /// The number of updates done.
  package private(set) var step = 0
  package let parameters: [Parameter]
  /// Where each parameter stands in the model.
  private let paths: [String]
  // One array per moment and not one struct per parameter, so that each can be changed in place.
  private var first: [Tensor]
  private var second: [Tensor]
  private var third: [Tensor]

  /// - Parameter parameters: the model's, with their paths; those that are not trainable now are left out for good.
  package init(_ optimizer: Optimizer, _ parameters: [(path: String, parameter: Parameter)]) {
    self.optimizer = optimizer
    let trainable = parameters.filter(\.parameter.isTrainable)
    self.parameters = trainable.map(\.parameter)
    paths = trainable.map(\.path)
    func moments(_ number: Int) -> [Tensor] {
      let moment = optimizer.moments[number]
      return trainable.map { _, parameter in
        .full(moment == nil ? [0] : parameter.shape, moment?.initialValue ?? 0, dtype: parameter.dtype)
      }
    }
    (first, second, third) = (moments(0), moments(1), moments(2))
  }

  /// Changes every parameter in place by its gradient; changes none of them when a gradient is not finite.
  ///
  /// Nothing may hold the graph of the loss any more, or the values it holds are copied first.
  ///
  /// - Parameter place: where in the training this is, for the error.
  package func update(_ gradients: inout [Gradient], at place: () -> String) throws(RecurraError) {
    let scales = try clip(&gradients, place)
    step += 1
    for (i, parameter) in parameters.enumerated() where parameter.isTrainable {
      let rule = UpdateRule(
        rule: optimizer.rule, learningRate: optimizer.learningRate, weightDecay: optimizer.weightDecay,
        gradientScale: scales[i], step: step)
      parameter.update { rule.apply(to: &$0, gradient: gradients[i], &first[i], &second[i], &third[i]) }
    }
  }

  /// Cuts gradients by value, and returns what each is to be multiplied by where norms are clipped.
  private func clip(_ gradients: inout [Gradient], _ place: () -> String) throws(RecurraError) -> [Double] {
    // A norm is that of the whole gradient, where rows of an embedding that came twice have been added up.
    if optimizer.clipping != .none { for i in gradients.indices { gradients[i] = .dense(gradients[i].dense) } }
    var squares: [Double] = []
    for (path, gradient) in zip(paths, gradients) {
      let sum = gradient.storedSumOfSquares
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
        dense.clip(to: limit)
        gradients[i] = .dense(dense)
      }
    case .norm(let limit): return squares.map { limit / max($0.squareRoot(), limit) }
    case .globalNorm(let limit):
      let norm = squares.reduce(0, +).squareRoot()
      return squares.map { _ in limit / max(norm, limit) }
    }
    return squares.map { _ in 1 }
  }
}

extension OptimizerState {
  /// The number of variables Keras counts: the update's number, the learning rate, and every moment.
  package var variableCount: Int { 2 + (first + second + third).reduce(0) { $0 + $1.count } }

  /// Everything that is needed to go on as if there had been no break: names as Keras', and tensors.
  ///
  /// The learning rate is kept in float64, so that it comes back to the bit.
  package func exported() -> [(name: String, value: Tensor)] {
    var result = [
      ("iteration", Tensor(Double(step), dtype: .int32)),
      ("learning_rate", Tensor(optimizer.learningRate, dtype: .float64)),
    ]
    for i in parameters.indices {
      for (moment, value) in zip(optimizer.moments, [first[i], second[i], third[i]]) {
        if let moment { result.append((paths[i] + "/" + moment.name, value)) }
      }
    }
    return result
  }

  /// Takes back what `exported` gave.
  ///
  /// - Throws: `RecurraError` of kind `badFile` when a tensor is missing, left over, or of another shape or type.
  package func restore(_ state: [String: Tensor]) throws(RecurraError) {
    let own = exported()
    for (name, value) in own {
      guard let given = state[name] else {
        throw RecurraError(.badFile, operation: "optimizer state", expected: "a tensor \(name)", got: "none")
      }
      guard given.shape == value.shape, given.dtype == value.dtype else {
        throw RecurraError(
          .badFile, operation: "optimizer state \(name)", expected: "\(value.dtype) \(value.shape)",
          got: "\(given.dtype) \(given.shape)")
      }
    }
    guard state.count == own.count else {
      let extra = state.keys.sorted().first { name in !own.contains { $0.name == name } } ?? ""
      throw RecurraError(.badFile, operation: "optimizer state", expected: "\(own.count) tensors", got: "also \(extra)")
    }
    step = state["iteration"].map { Int($0.item) } ?? 0
    optimizer.learningRate = state["learning_rate"]?.item ?? optimizer.learningRate
    func take(_ number: Int, _ current: [Tensor]) -> [Tensor] {
      guard let moment = optimizer.moments[number] else { return current }
      return current.indices.map { state[paths[$0] + "/" + moment.name] ?? current[$0] }
    }
    (first, second, third) = (take(0, first), take(1, second), take(2, third))
  }
}

extension Tensor {
  /// Cuts every element to −limit … limit, in place.
  fileprivate mutating func clip(to limit: Double) {
    func cut<S: FloatingScalar>(_ type: S.Type) {
      let limit = S(limit)
      withMutableSpan(of: S.self) { values in
        for i in 0..<values.count { values[i] = Swift.max(-limit, Swift.min(limit, values[i])) }
      }
    }
    if dtype == .float32 { cut(Float.self) } else { cut(Double.self) }
  }
}
