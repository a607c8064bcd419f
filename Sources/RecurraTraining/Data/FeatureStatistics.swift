internal import RecurraTensor

/// Extremes, means and deviations of each feature over the valid timesteps of a tensor.
struct FeatureStatistics {
  private(set) var minima: [Double]
  private(set) var maxima: [Double]
  private(set) var means: [Double]
  private(set) var deviations: [Double]

  /// Tells whether a feature has one value only: its deviation may be off 0 by rounding, its extremes are not.
  func isConstant(_ feature: Int) -> Bool { minima[feature] == maxima[feature] }

  /// From the smallest to the largest value of a feature.
  func spread(_ feature: Int) -> Double { maxima[feature] - minima[feature] }

  init(_ x: Tensor, _ lengths: [Int]?) throws(RecurraError) {
    let features = x.rank > 1 ? x.shape[x.rank - 1] : 1
    if let lengths { try Self.check(lengths, x) }
    minima = [Double](repeating: .infinity, count: features)
    maxima = [Double](repeating: -.infinity, count: features)
    means = [Double](repeating: 0, count: features)
    deviations = means
    let values = x.detached.converted(to: .float64).contiguous
    let timesteps = x.rank == 3 ? x.shape[1] : 1
    let valid = (0..<(features == 0 ? 0 : x.count / features)).filter { row in
      lengths.map { row % timesteps < $0[row / timesteps] } ?? true
    }
    guard let first = valid.first else {
      throw RecurraError(
        .badData, operation: "Normalizer", expected: "at least one number of each feature",
        got: "shape \(Shape.text(x.shape))" + (lengths == nil ? "" : " and lengths of 0"))
    }
    let stray: Int? = values.withSpan(of: Double.self) { values in
      for row in valid {
        for feature in 0..<features {
          let value = values[row * features + feature]
          guard value.isFinite else { return row * features + feature }
          minima[feature] = min(minima[feature], value)
          maxima[feature] = max(maxima[feature], value)
          // Sums start from the first row, so that a feature far from 0 keeps its digits.
          means[feature] += value - values[first * features + feature]
        }
      }
      for feature in 0..<features {
        means[feature] = values[first * features + feature] + means[feature] / Double(valid.count)
      }
      for row in valid {
        for feature in 0..<features where !isConstant(feature) {
          // In units of the spread no square is too large or too small for Double.
          let distance = (values[row * features + feature] - means[feature]) / spread(feature)
          deviations[feature] += distance * distance
        }
      }
      return nil
    }
    if let stray {
      throw RecurraError(
        .badData, operation: "Normalizer", expected: "finite numbers",
        got: "\(values.flattened[stray].item) at index \(Shape.indexText(stray, in: x.shape))")
    }
    for feature in 0..<features {
      deviations[feature] = (deviations[feature] / Double(valid.count)).squareRoot() * spread(feature)
      guard spread(feature).isFinite, means[feature].isFinite else {
        throw RecurraError(
          .badData, operation: "Normalizer", expected: "numbers whose distances Double holds",
          got: "\(minima[feature]) to \(maxima[feature]) in feature \(feature)")
      }
    }
  }

  /// Refuses lengths that do not belong to x.
  static func check(_ lengths: [Int], _ x: Tensor) throws(RecurraError) {
    guard x.rank == 3, lengths.count == x.shape[0] else {
      throw RecurraError(
        .badData, operation: "Normalizer", expected: "sequences [N, T, F] and a length for each",
        got: "shape \(Shape.text(x.shape)) and \(lengths.count) lengths")
    }
    guard let row = lengths.firstIndex(where: { $0 < 0 || $0 > x.shape[1] }) else { return }
    throw RecurraError(
      .badData, operation: "Normalizer", expected: "lengths in 0…\(x.shape[1])", got: "\(lengths[row]) in row \(row)")
  }
}
