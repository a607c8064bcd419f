/// A weighted sum with the sum of its weights: a mean that more can still be added to.
public struct WeightedSum: Sendable, Equatable {
  /// Σ w·x.
  public var sum: Double
  /// Σ w.
  public var weight: Double

  /// Makes a sum; that of nothing when nothing is said.
  public init(sum: Double = 0, weight: Double = 0) {
    self.sum = sum
    self.weight = weight
  }

  /// Σ w·x / Σ w; 0 where nothing counts, as Keras shows a metric before its first batch.
  public var mean: Double { weight == 0 ? 0 : sum / weight }

  /// Adds sums and weights.
  public static func + (left: WeightedSum, right: WeightedSum) -> WeightedSum {
    WeightedSum(sum: left.sum + right.sum, weight: left.weight + right.weight)
  }

  /// Takes another sum in.
  public static func += (left: inout WeightedSum, right: WeightedSum) { left = left + right }
}
