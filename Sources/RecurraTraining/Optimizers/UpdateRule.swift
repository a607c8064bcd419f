internal import RecurraLayers
internal import RecurraTensor

/// How an optimiser changes one parameter: the built-in rules, and `OwnRule` around one of the user's.
protocol UpdateRule: Sendable {
  /// Keras' name of the optimiser.
  var name: String { get }
  /// The settings in Keras' names, without those that every optimiser has.
  var configuration: [String: JSONValue] { get }
  /// The numbers among the settings, with their ranges.
  var settings: [OptimizerSetting] { get }
  /// What is kept for each parameter, in Keras' names.
  var moments: [Moment] { get }

  /// Tells whether the rule looks at a weight as a whole; one that does not may take several that lie in one tensor.
  var seesWholeWeights: Bool { get }
  /// The shape of what is kept for a parameter of a shape.
  func shape(of moment: Moment, _ shape: [Int]) -> [Int]
  /// The weight decay of a parameter, where the optimiser has been told `decay`.
  func weightDecay(_ decay: Double, path: String, rank: Int) -> Double

  /// Changes a parameter and its moments in place: weight decay first, then the rule, element by element.
  ///
  /// - Parameter moments: tensors in the order of the rule's own `moments`.
  func apply(
    _ update: ParameterUpdate, to weights: inout Tensor, _ gradient: Gradient, _ moments: inout OptimizerMoments)
}

extension UpdateRule {
  var seesWholeWeights: Bool { false }
  func shape(of moment: Moment, _ shape: [Int]) -> [Int] { shape }
  func weightDecay(_ decay: Double, path: String, rank: Int) -> Double { decay }
}

/// What the update of one parameter follows from besides its rule.
struct ParameterUpdate {
  let learningRate: Double
  let weightDecay: Double
  /// What the gradient is multiplied by: below 1 when its norm is clipped, or to make a mean of a sum.
  let gradientScale: Double
  /// The number of this update of the parameter, from 1.
  let step: Int
  /// The path to the parameter.
  var path = ""
  /// Tells whether a schedule gave the learning rate.
  var hasSchedule = false

  /// Updates float32 by the vector kernels.
  var byVectors: VectorUpdate {
    VectorUpdate(learningRate: learningRate, weightDecay: weightDecay, gradientScale: gradientScale)
  }

  /// Updates float64 by a loop over its elements, which is the reference; the spans are empty where there is no such
  /// moment.
  func inDouble(
    _ weights: inout Tensor, _ gradient: Gradient, _ moments: inout OptimizerMoments,
    _ body: (
      _ weights: inout MutableSpan<Double>, _ gradient: Span<Double>, _ first: inout MutableSpan<Double>,
      _ second: inout MutableSpan<Double>, _ third: inout MutableSpan<Double>
    ) -> Void
  ) {
    // Out of their array for a while, because each is written while the others are.
    var tensors = (moments.take(0), moments.take(1), moments.take(2))
    gradient.dense.withSpan(of: Double.self) { gradient in
      weights.withMutableSpan(of: Double.self) { weights in
        if weightDecay != 0 {
          let kept = 1 - weightDecay * learningRate
          for i in 0..<weights.count { weights[i] *= kept }
        }
        tensors.0.withMutableSpan(of: Double.self) { first in
          tensors.1.withMutableSpan(of: Double.self) { second in
            tensors.2.withMutableSpan(of: Double.self) { third in
              body(&weights, gradient, &first, &second, &third)
            }
          }
        }
      }
    }
    moments.give(0, tensors.0)
    moments.give(1, tensors.1)
    moments.give(2, tensors.2)
  }
}

extension OptimizerMoments {
  fileprivate mutating func take(_ index: Int) -> Tensor {
    var taken = Tensor.zeros([0], dtype: .float64)
    if index < tensors.count { swap(&taken, &tensors[index]) }
    return taken
  }

  fileprivate mutating func give(_ index: Int, _ tensor: Tensor) {
    if index < tensors.count { tensors[index] = tensor }
  }
}
