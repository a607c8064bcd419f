extension Loss {
  /// Names what a loss divides its weighted sum by.
  public struct Reduction: Sendable, Hashable {
    /// Keras' name of it.
    public let name: String

    /// The sum of the weights: the loss is the mean over what counts, so weights of 2 everywhere change nothing.
    public static let meanWithSampleWeight = Reduction(name: "mean_with_sample_weight")
    /// The number of rows that are not masked, as Keras does: weights of rows and classes scale the loss and are not
    /// divided by. An epoch's loss is still the mean over its rows, whatever the batch size.
    public static let sumOverBatchSize = Reduction(name: "sum_over_batch_size")

    /// Nothing: the loss of a batch is a sum, and grows with the batch. That of an epoch is the mean over its batches.
    public static let sum = Reduction(name: "sum")

    private init(name: String) { self.name = name }

    /// What a sum over rows of these weights is divided by.
    func weight(of weights: RowWeights) -> Double {
      switch self {
      case .sum: weights.total == 0 ? 0 : 1
      case .sumOverBatchSize: Double(weights.unmaskedCount)
      default: weights.total
      }
    }
  }

  /// Returns the same loss with another divisor.
  public func with(reduction: Reduction) -> Loss {
    var loss = self
    loss.reduction = reduction
    return loss
  }
}
