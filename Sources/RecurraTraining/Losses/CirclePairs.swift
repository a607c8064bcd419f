internal import RecurraTensor

/// What pairs of rows are worth to `Loss.circle`.
struct CirclePairs: Sendable {
  let gamma: Double
  let margin: Double
  let removeDiagonal: Bool

  /// The loss of each row, and the gradient of Σ weight · loss by each.
  func rows(
    _ classes: [Double], _ rows: [[Double]], weights: [Double]
  ) -> (losses: [Double], gradients: [[Double]]) {
    var losses: [Double] = []
    var gradients = rows.map { [Double](repeating: 0, count: $0.count) }
    for row in rows.indices {
      let others = rows.indices.filter { $0 != row || !removeDiagonal || classes[$0] != classes[row] }
      let distances = others.map { max(0, 1 - zip(rows[row], rows[$0]).reduce(0) { $0 + $1.0 * $1.1 }) }
      let isAlike = others.map { classes[$0] == classes[row] }
      let values = distances.indices.map { value(distances[$0], isAlike: isAlike[$0]) }
      let near = Self.logarithmOfSum(values.indices.filter { isAlike[$0] }.map { values[$0] })
      let far = Self.logarithmOfSum(values.indices.filter { !isAlike[$0] }.map { values[$0] })
      let exponent = near + far
      guard exponent > -.infinity else {
        losses.append(0)
        continue
      }
      losses.append(Activation.softplus.value(exponent))
      let scale = weights[row] * Activation.sigmoid.value(exponent)
      for (index, other) in others.enumerated() where distances[index] > 0 {
        let share = Double.exponential(values[index] - (isAlike[index] ? near : far))
        let slope = scale * share * slope(distances[index], isAlike: isAlike[index])
        for i in rows[row].indices {
          gradients[row][i] -= slope * rows[other][i]
          gradients[other][i] -= slope * rows[row][i]
        }
      }
    }
    return (losses, gradients)
  }

  private func value(_ distance: Double, isAlike: Bool) -> Double {
    isAlike
      ? -gamma * (margin + distance) * (margin - distance)
      : gamma * max(1 + margin - distance, 0) * (1 - margin - distance)
  }

  /// The derivative of `value` by the distance.
  private func slope(_ distance: Double, isAlike: Bool) -> Double {
    if isAlike { return 2 * gamma * distance }
    return distance < 1 + margin ? 2 * gamma * (distance - 1) : 0
  }

  private static func logarithmOfSum(_ values: [Double]) -> Double {
    guard let largest = values.max() else { return -.infinity }
    return largest + Double.logarithm(values.reduce(0) { $0 + Double.exponential($1 - largest) })
  }
}
