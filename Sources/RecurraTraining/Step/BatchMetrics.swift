/// The loss and the metrics of some rows as sums with their weights, so that blocks, batches and shards can be added.
public struct BatchMetrics: Sendable, Equatable {
  /// The loss of each prediction, weighted.
  public var loss: WeightedSum
  /// What each of the trainer's metrics measured, in their order; a metric of several sums has as many places.
  public var metrics: [WeightedSum]

  init(loss: WeightedSum, metrics: [WeightedSum]) {
    self.loss = loss
    self.metrics = metrics
  }

  /// Nothing measured yet, by `count` metrics.
  init(metricCount: Int) {
    self.init(loss: WeightedSum(), metrics: .init(repeating: WeightedSum(), count: metricCount))
  }

  /// Adds each number of two groups of rows; what one of them lacks has not been measured there.
  public static func + (left: BatchMetrics, right: BatchMetrics) -> BatchMetrics {
    var (sums, fewer) = (left.metrics, right.metrics)
    if sums.count < fewer.count { swap(&sums, &fewer) }
    for (index, sum) in fewer.enumerated() { sums[index] += sum }
    return BatchMetrics(loss: left.loss + right.loss, metrics: sums)
  }

  /// The numbers by name, alphabetically as Keras orders them.
  ///
  /// - Parameter measured: what each number is called, and the metric it is of, with the width of its output; nil
  ///   for the mean of a loss.
  func logs(_ measured: [(name: String, metric: (of: Metric, width: Int)?)]) -> Logs {
    var (numbers, rest) = ([("loss", loss.mean)], metrics[...])
    for (name, metric) in measured {
      let count = metric.map { $0.of.sumCount(width: $0.width) } ?? 1
      let sums = rest.prefix(count) + repeatElement(WeightedSum(), count: max(0, count - rest.count))
      numbers.append((name, metric?.of.result(of: sums) ?? sums.first?.mean ?? 0))
      rest = rest.dropFirst(count)
    }
    var logs = Logs()
    for (name, number) in numbers.sorted(by: { $0.0 < $1.0 }) { logs[name] = number }
    return logs
  }
}
