internal import RecurraTensor

/// The loss and the metrics of an epoch so far, each batch weighted by its rows.
struct EpochMetrics {
  /// The names in the order of the logs: alphabetical.
  let names: [String]
  private var sums: [MetricSum]
  private var loss = 0.0
  private var rows = 0

  init(_ metrics: [Metric]) {
    sums = metrics.map(MetricSum.init)
    names = (["loss"] + metrics.map(\.name)).sorted()
  }

  mutating func reset() {
    (loss, rows) = (0, 0)
    for i in sums.indices { sums[i].reset() }
  }

  /// Takes a batch in.
  mutating func add(loss: Double, _ targets: Tensor, _ predictions: Tensor, lengths: [Int]?) {
    let count = predictions.shape[0]
    self.loss += loss * Double(count)
    rows += count
    for i in sums.indices { sums[i].add(targets, predictions, lengths: lengths) }
  }

  /// The means so far.
  var logs: Logs {
    var logs = Logs()
    for name in names {
      logs[name] = sums.first { $0.metric.name == name }?.value ?? (rows == 0 ? 0 : loss / Double(rows))
    }
    return logs
  }
}
