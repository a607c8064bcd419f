/// The loss and the metrics of some rows as sums with their weights, so that blocks, batches and shards can be added.
public struct BatchMetrics: Sendable, Equatable {
  /// The loss of each prediction, weighted.
  public var loss: WeightedSum
  /// What each of the trainer's metrics measured, in their order.
  public var metrics: [WeightedSum]

  init(loss: WeightedSum, metrics: [WeightedSum]) {
    self.loss = loss
    self.metrics = metrics
  }

  /// Nothing measured yet, by `count` metrics.
  init(metricCount: Int) {
    self.init(loss: WeightedSum(), metrics: .init(repeating: WeightedSum(), count: metricCount))
  }

  /// Adds each number of two groups of rows.
  ///
  /// - Precondition: both were measured by as many metrics.
  public static func + (left: BatchMetrics, right: BatchMetrics) -> BatchMetrics {
    BatchMetrics(loss: left.loss + right.loss, metrics: zip(left.metrics, right.metrics).map { $0 + $1 })
  }

  /// The means by name, alphabetically as Keras orders them.
  func logs(_ names: [String]) -> Logs {
    let means = [("loss", loss.mean)] + zip(names, metrics.map(\.mean))
    var logs = Logs()
    for (name, mean) in means.sorted(by: { $0.0 < $1.0 }) { logs[name] = mean }
    return logs
  }
}
