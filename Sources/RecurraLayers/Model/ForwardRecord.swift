package import RecurraTensor

/// What layers say besides their outputs while a model is run: losses of their own, and what their statistics follow.
package final class ForwardRecord: Sendable {
  private let content = Guarded<(losses: [Tensor], changes: [StatisticChange])>(([], []))

  package init() {}

  /// The sum of the layers' losses over the rows; nil where none has one.
  package var loss: Tensor? {
    let losses = content.withLock { $0.losses }
    return losses.isEmpty ? nil : losses.dropFirst().reduce(losses[0]) { $0 + $1 }
  }

  /// The changes of statistics, in the order of the layers.
  package var changes: [StatisticChange] { content.withLock { $0.changes } }

  func add(_ loss: Tensor) { content.withLock { $0.losses.append(loss) } }
  func add(_ change: StatisticChange) { content.withLock { $0.changes.append(change) } }
}

/// A statistic of a layer, and the number of a batch that it follows.
package struct StatisticChange: Sendable {
  let statistic: Parameter
  let number: Tensor
  let momentum: Double

  /// Moves the statistic.
  package func apply() { statistic.update { $0 = $0 * momentum + number * (1 - momentum) } }
}
