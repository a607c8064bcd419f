internal import RecurraTensor

/// The loss and the metrics of an epoch so far, each batch weighted by what counts in it.
struct EpochMetrics {
  /// The names in the order of the logs: alphabetical.
  let names: [String]
  private let metrics: [Metric]
  private var sums: [MetricSum]
  private var loss = MetricSum()

  init(_ metrics: [Metric]) {
    self.metrics = metrics
    sums = metrics.map { _ in MetricSum() }
    names = (["loss"] + metrics.map(\.name)).sorted()
  }

  mutating func reset() {
    loss = MetricSum()
    for i in sums.indices { sums[i] = MetricSum() }
  }

  /// Takes a batch in.
  mutating func add(
    _ loss: WeightedLoss, _ targets: Tensor, _ predictions: Tensor, _ weights: RowWeights
  ) throws(RecurraError) {
    self.loss += MetricSum(sum: loss.sum, weight: loss.weight)
    for i in sums.indices { sums[i] += try metrics[i].weighted(targets, predictions, weights) }
  }

  /// The means so far.
  var logs: Logs {
    var logs = Logs()
    for name in names {
      logs[name] = metrics.firstIndex { $0.name == name }.map { sums[$0].value } ?? loss.value
    }
    return logs
  }
}
