/// A metric on its way through an epoch: a weighted sum and the weight that makes it a mean.
package struct MetricSum: Sendable, Equatable {
  /// The rows' values times their weights, added up.
  package var sum: Double
  /// The weights, added up.
  package var weight: Double

  /// Makes a sum; of nothing when left out.
  package init(sum: Double = 0, weight: Double = 0) {
    self.sum = sum
    self.weight = weight
  }

  /// The mean so far; 0 before anything counted, as in Keras.
  package var value: Double { weight == 0 ? 0 : sum / weight }

  /// Takes another part of the data in.
  package static func += (left: inout MetricSum, right: MetricSum) {
    left.sum += right.sum
    left.weight += right.weight
  }

  /// Puts two parts of the data together.
  package static func + (left: MetricSum, right: MetricSum) -> MetricSum {
    var sum = left
    sum += right
    return sum
  }
}
