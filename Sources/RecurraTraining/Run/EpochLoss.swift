/// Names what the loss of an epoch, or of an evaluation, is the mean over.
public struct EpochLoss: Sendable, Hashable {
  /// The name in files.
  let name: String

  /// All predictions, each by its weight: cutting rows into other batches changes nothing.
  public static let overPredictions = EpochLoss(name: "predictions")
  /// The losses of the batches, each by its number of rows, as Keras does: in batches of other sizes, masks or weights
  /// the same predictions give another number. Of several outputs each one's own loss is the mean over batches,
  /// whatever their size, as with TensorFlow underneath.
  public static let overBatches = EpochLoss(name: "batches")

  private init(name: String) { self.name = name }

  init?(named name: String) {
    guard let known = [Self.overPredictions, .overBatches].first(where: { $0.name == name }) else { return nil }
    self = known
  }

  /// What a batch adds to the sums of an epoch.
  ///
  /// - Parameters:
  ///   - rows: The batch's rows.
  ///   - outputs: The number of outputs, whose losses stand in front of the metrics where there are several.
  func counted(_ batch: BatchMetrics, rows: Int, outputs: Int) -> BatchMetrics {
    guard self == .overBatches else { return batch }
    var batch = batch
    batch.loss = WeightedSum(sum: batch.loss.mean * Double(rows), weight: Double(rows))
    guard outputs > 1 else { return batch }
    for index in 0..<outputs { batch.metrics[index] = WeightedSum(sum: batch.metrics[index].mean, weight: 1) }
    return batch
  }
}
