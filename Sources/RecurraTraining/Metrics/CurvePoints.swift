internal import RecurraTensor

/// What passes each threshold and what does not, and the areas below the curves that this makes.
struct CurvePoints {
  private let truePositives: [Double]
  private let falsePositives: [Double]
  private var positives: Double { truePositives[0] }
  private var negatives: Double { falsePositives[0] }

  /// - Parameter sums: positives, then negatives, by the highest threshold that they pass.
  init(_ sums: [Double]) {
    func passing(_ counts: ArraySlice<Double>) -> [Double] {
      var (total, result) = (0.0, [Double]())
      for count in counts.reversed() {
        total += count
        result.append(total)
      }
      return result.reversed()
    }
    truePositives = passing(sums.prefix(sums.count / 2))
    falsePositives = passing(sums.suffix(sums.count / 2))
  }

  var recall: [Double] { truePositives.map { ratio($0, positives) } }
  var specificity: [Double] { falsePositives.map { ratio(negatives - $0, negatives) } }
  var precision: [Double] { zip(truePositives, falsePositives).map { ratio($0, $0 + $1) } }

  func area(_ curve: Metric.Curve, _ method: Metric.SummationMethod) -> Double {
    let (x, y): ([Double], [Double])
    switch curve {
    case .pr where method == .interpolation: return interpolatedPrecisionRecall
    case .pr: (x, y) = (recall, precision)
    case .prGain: (x, y) = gains
    default: (x, y) = (falsePositives.map { ratio($0, negatives) }, recall)
    }
    return x.indices.dropLast().reduce(0) { area, i in
      let height =
        switch method {
        case .minoring: min(y[i], y[i + 1])
        case .majoring: max(y[i], y[i + 1])
        default: (y[i] + y[i + 1]) / 2
        }
      return area + (x[i] - x[i + 1]) * height
    }
  }

  /// Between two thresholds true positives grow in proportion to all that pass, and precision along a hyperbola.
  ///
  /// - Source: Davis & Goadrich 2006.
  private var interpolatedPrecisionRecall: Double {
    truePositives.indices.dropLast().reduce(0) { area, i in
      let (above, below) = (truePositives[i + 1], truePositives[i])
      let (passingAbove, passingBelow) = (above + falsePositives[i + 1], below + falsePositives[i])
      let slope = ratio(below - above, max(passingBelow - passingAbove, 0))
      let intercept = above - slope * passingAbove
      let growth = passingBelow > 0 && passingAbove > 0 ? passingBelow / passingAbove : 1
      return area + ratio(slope * (below - above + intercept * Double.logarithm(growth)), positives)
    }
  }

  /// Recall and precision on a scale on which always saying yes gives 0.
  ///
  /// - Source: Flach & Kull 2015; what divides by 0 as Keras.
  private var gains: (recall: [Double], precision: [Double]) {
    let scale = ratio(positives, negatives)
    let recall = truePositives.map { $0 == 0 ? 0 : max(0, 1 - scale * ratio(positives - $0, $0)) }
    let precision = zip(truePositives, falsePositives).map { $0 == 0 ? 1 : 1 - scale * ratio($1, $0) }
    return (recall, precision)
  }

  private func ratio(_ part: Double, _ whole: Double) -> Double { whole == 0 ? 0 : part / whole }
}
