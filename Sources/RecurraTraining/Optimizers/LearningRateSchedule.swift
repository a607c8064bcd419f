internal import RecurraTensor

/// Says how far steps go as training comes along, by the number of updates done; names and formulas are Keras'.
///
/// ```swift
/// let rate = LearningRateSchedule.cosineDecay(
///   initialLearningRate: 0, decaySteps: 900, warmupTarget: 0.01, warmupSteps: 100)
/// let trainer = try model.compile(loss: .meanSquaredError, optimizer: .adam().with(learningRate: rate))
/// ```
///
/// It is saved with the optimiser, and follows from the number of updates alone, so that a run goes on where it was.
public enum LearningRateSchedule: Sendable, Equatable {
  /// η·rate^(n / steps); `staircase` takes the whole number below the fraction.
  case exponentialDecay(initialLearningRate: Double, decaySteps: Int, decayRate: Double, staircase: Bool = false)
  /// `values[i]` up to and with the update numbered `boundaries[i]`, the last one after all.
  case piecewiseConstantDecay(boundaries: [Int], values: [Double])
  /// (η − end)·(1 − n / steps)^power + end, up to `decaySteps`; `cycle` begins again with a multiple of them.
  case polynomialDecay(
    initialLearningRate: Double, decaySteps: Int, endLearningRate: Double = 0.0001, power: Double = 1,
    cycle: Bool = false)
  /// η / (1 + rate·n / steps); `staircase` takes the whole number below the fraction.
  case inverseTimeDecay(initialLearningRate: Double, decaySteps: Int, decayRate: Double, staircase: Bool = false)
  /// η·((1 − α)·(1 + cos(π·n / steps)) / 2 + α), up to `decaySteps`.
  ///
  /// With a `warmupTarget` the rate first rises to it along a line within `warmupSteps`, and the cosine begins there.
  case cosineDecay(
    initialLearningRate: Double, decaySteps: Int, alpha: Double = 0, warmupTarget: Double? = nil, warmupSteps: Int = 0)
  /// The cosine again and again, each time `tMul` as long and `mMul` as high.
  ///
  /// - Source: Loshchilov & Hutter 2017.
  case cosineDecayRestarts(
    initialLearningRate: Double, firstDecaySteps: Int, tMul: Double = 2, mMul: Double = 1, alpha: Double = 0)

  /// The learning rate of the update behind `step` updates.
  public func callAsFunction(_ step: Int) -> Double {
    let n = Double(step)
    func cosine(_ fraction: Double) -> Double { (1 + Double.cosine(.pi * fraction)) / 2 }
    switch self {
    case .exponentialDecay(let rate, let steps, let decay, let staircase):
      return rate * Double.power(decay, stairs(n / Double(steps), staircase))
    case .piecewiseConstantDecay(let boundaries, let values):
      check(
        values.count == boundaries.count + 1, "piecewiseConstantDecay", expected: "one value more than boundaries",
        got: "\(values.count) and \(boundaries.count)")
      return values[boundaries.firstIndex { step <= $0 } ?? boundaries.count]
    case .polynomialDecay(let rate, let steps, let end, let power, let cycle):
      let length = Double(steps) * (cycle && step > 0 ? (n / Double(steps)).rounded(.up) : 1)
      return (rate - end) * Double.power(1 - min(n, length) / length, power) + end
    case .inverseTimeDecay(let rate, let steps, let decay, let staircase):
      return rate / (1 + decay * stairs(n / Double(steps), staircase))
    case .cosineDecay(let rate, let steps, let alpha, let target, let warmupSteps):
      let done = min(n, Double(steps + (target == nil ? 0 : warmupSteps)))
      guard let target else { return rate * ((1 - alpha) * cosine(done / Double(steps)) + alpha) }
      if step < warmupSteps { return (target - rate) * (n / Double(warmupSteps)) + rate }
      return target * ((1 - alpha) * cosine((done - Double(warmupSteps)) / Double(steps)) + alpha)
    case .cosineDecayRestarts(let rate, let steps, let growth, let factor, let alpha):
      var (fraction, height) = (n / Double(steps), 1.0)
      if growth == 1 {
        height = Double.power(factor, fraction.rounded(.down))
        fraction -= fraction.rounded(.down)
      } else {
        // Lengths 1, g, g² … have passed: (g^restarts − 1) / (g − 1) of them.
        let restarts =
          (Double.logarithm(1 - fraction * (1 - growth)) / Double.logarithm(growth)).rounded(.down)
        let length = Double.power(growth, restarts)
        fraction = (fraction - (1 - length) / (1 - growth)) / length
        height = Double.power(factor, restarts)
      }
      return rate * ((1 - alpha) * height * cosine(fraction) + alpha)
    }
  }

  private func stairs(_ fraction: Double, _ isStaircase: Bool) -> Double {
    isStaircase ? fraction.rounded(.down) : fraction
  }
}
