// Rules that look at a weight as a whole, at its length or the means of its rows; two of them, of a few lines each.
internal import RecurraTensor

/// Adam's step, as long as the weight is large.
struct LambRule: TensorRule {
  var beta1 = 0.9
  var beta2 = 0.999
  var epsilon = 1e-7
  let name = "lamb"
  static var numbers: [RuleNumber<Self>] {
    [.init("beta_1", \.beta1, .belowOne), .init("beta_2", \.beta2, .belowOne), .init("epsilon", \.epsilon, .unit)]
  }
  var moments: [Moment] { [Moment("momentum"), Moment("velocity")] }
  var seesWholeWeights: Bool { true }

  func step(_ w: Tensor, _ g: Tensor, _ moments: inout OptimizerMoments, _ update: ParameterUpdate) -> Tensor {
    let t = Double(update.step)
    moments.follow("momentum", g, 1 - beta1)
    moments.follow("velocity", g.squared, 1 - beta2)
    let size = (moments["velocity"] / (1 - Double.power(beta2, t))).sqrt() + epsilon
    let change = moments["momentum"] / (1 - Double.power(beta1, t)) / size
    let (own, other) = (w.sumOfSquares.squareRoot(), change.sumOfSquares.squareRoot())
    return w - change * (update.learningRate * (own > 0 && other > 0 ? own / other : 1))
  }
}

/// Means of squares of rows and of columns for those of every element: memory for a matrix grows with its edges.
struct AdafactorRule: TensorRule {
  var beta2Decay = -0.8
  var epsilon1 = 1e-30
  var epsilon2 = 1e-3
  var clipThreshold = 1.0
  var relativeStep = true
  let name = "adafactor"
  static var numbers: [RuleNumber<Self>] {
    [
      .init("beta_2_decay", \.beta2Decay, .notPositive), .init("epsilon_1", \.epsilon1, .unit),
      .init("epsilon_2", \.epsilon2, .unit), .init("clip_threshold", \.clipThreshold, .positive),
    ]
  }
  static var flags: [(name: String, path: WritableKeyPath<Self, Bool>)] { [("relative_step", \.relativeStep)] }
  var moments: [Moment] { [Moment("row"), Moment("column"), Moment("velocity")] }
  var seesWholeWeights: Bool { true }

  /// A matrix has means of its rows and columns, a vector of its elements.
  func shape(of moment: Moment, _ shape: [Int]) -> [Int] {
    let isMatrix = shape.count > 1
    switch moment.name {
    case "row": return isMatrix ? Array(shape.dropLast()) : [0]
    case "column": return isMatrix ? shape.dropLast(2) + [shape[shape.count - 1]] : [0]
    default: return isMatrix ? [0] : shape
    }
  }

  func step(_ w: Tensor, _ g: Tensor, _ moments: inout OptimizerMoments, _ update: ParameterUpdate) -> Tensor {
    let t = Double(update.step)
    // The step falls with time on its own, unless a schedule says how.
    let rate =
      relativeStep && !update.hasSchedule ? min(update.learningRate, 1 / t.squareRoot()) : update.learningRate
    let length = max(epsilon2, w.rootMeanSquare) * min(rate, 1 / t.squareRoot())
    let square = g.squared + epsilon1
    let share = Double.power(t, beta2Decay)
    let velocity: Tensor
    if w.rank > 1 {
      moments.follow("row", square.mean(axes: [-1]), share)
      moments.follow("column", square.mean(axes: [-2]), share)
      let rows = moments["row"] / moments["row"].mean(axes: [-1], keepingDimensions: true)
      velocity = rows.expanded(at: w.rank - 1) * moments["column"].expanded(at: w.rank - 2)
    } else {
      moments.follow("velocity", square, share)
      velocity = moments["velocity"]
    }
    let change = g / velocity.sqrt()
    return w - change * (length / max(1, change.rootMeanSquare / clipThreshold))
  }
}

extension Tensor {
  /// √ mean x².
  fileprivate var rootMeanSquare: Double { count == 0 ? 0 : (sumOfSquares / Double(count)).squareRoot() }
}
