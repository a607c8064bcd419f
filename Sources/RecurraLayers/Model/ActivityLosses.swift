package import RecurraTensor

/// Collects what the outputs of layers cost in one pass.
package final class ActivityLosses: Sendable {
  private let losses = Guarded<[Tensor]>([])

  package init() {}

  /// Takes in what an output costs, divided by the number of its rows as in Keras.
  func add(_ regularizer: Regularizer, _ output: Tensor) {
    guard output.rank > 0, output.count > 0 else { return }
    let loss = regularizer(output) / Double(output.shape[0])
    losses.withLock { $0.append(loss) }
  }

  /// The sum of all, with its gradient; nil where nothing costs.
  package var sum: Tensor? {
    let all = losses.withLock { $0 }
    return all.first.map { all.dropFirst().reduce($0) { $0 + $1.converted(to: $0.dtype) } }
  }
}
