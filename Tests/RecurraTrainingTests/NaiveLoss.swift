import Glibc
import RecurraTensor
import RecurraTraining

/// A loss of one row as plain loops in Double, from Keras' formulas: the reference of the fused ones.
struct NaiveLoss: Sendable {
  let loss: Loss
  /// Tells whether targets are class numbers.
  var takesLabels = false
  /// Tells whether predictions are probabilities.
  var takesProbabilities = false
  let value: @Sendable (_ targets: [Double], _ predictions: [Double]) -> Double

  private static func clipped(_ p: Double) -> Double { min(max(p, 1e-7), 1 - 1e-7) }

  private static func logSum(_ z: [Double]) -> Double { log(z.reduce(0) { $0 + exp($1) }) }

  private static func mean(_ t: [Double], _ p: [Double], _ function: (Double, Double) -> Double) -> Double {
    zip(t, p).map(function).reduce(0, +) / Double(t.count)
  }

  static func categorical(_ smoothing: Double, fromLogits: Bool) -> NaiveLoss {
    NaiveLoss(
      loss: .categoricalCrossEntropy(fromLogits: fromLogits, labelSmoothing: smoothing), takesProbabilities: !fromLogits
    ) { t, p in
      let total = p.reduce(0, +)
      return t.indices.reduce(0) { sum, i in
        let target = t[i] * (1 - smoothing) + smoothing / Double(t.count)
        return sum - target * (fromLogits ? p[i] - logSum(p) : log(clipped(p[i] / total)))
      }
    }
  }

  static func binary(_ smoothing: Double, fromLogits: Bool) -> NaiveLoss {
    NaiveLoss(
      loss: .binaryCrossEntropy(fromLogits: fromLogits, labelSmoothing: smoothing), takesProbabilities: !fromLogits
    ) { t, p in
      mean(t, p) { t, p in
        let target = t * (1 - smoothing) + smoothing / 2
        let share = fromLogits ? 1 / (1 + exp(-p)) : clipped(p)
        return -target * log(share) - (1 - target) * log(1 - share)
      }
    }
  }

  static func huber(_ delta: Double) -> NaiveLoss {
    NaiveLoss(loss: .huber(delta: delta)) { t, p in
      mean(t, p) { t, p in
        let distance = abs(p - t)
        return distance <= delta ? distance * distance / 2 : delta * distance - delta * delta / 2
      }
    }
  }

  static let all: [NaiveLoss] = [
    NaiveLoss(loss: .sparseCategoricalCrossEntropy, takesLabels: true, takesProbabilities: true) { t, p in
      let q = p.map(clipped)
      return log(q.reduce(0, +)) - log(q[Int(t[0])])
    },
    NaiveLoss(loss: .sparseCategoricalCrossEntropy(fromLogits: true), takesLabels: true) { t, p in
      logSum(p) - p[Int(t[0])]
    },
    categorical(0, fromLogits: false), categorical(0.3, fromLogits: false), categorical(0, fromLogits: true),
    categorical(0.3, fromLogits: true), binary(0, fromLogits: false), binary(0.3, fromLogits: false),
    binary(0, fromLogits: true), binary(0.3, fromLogits: true),
    NaiveLoss(loss: .meanSquaredError) { t, p in mean(t, p) { ($1 - $0) * ($1 - $0) } },
    NaiveLoss(loss: .meanAbsoluteError) { t, p in mean(t, p) { abs($1 - $0) } }, huber(1), huber(0.4),
  ]
}
