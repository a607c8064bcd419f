internal import RecurraLayers
internal import RecurraTensor

/// A loss of Keras' that is made of tensor operations, which give the gradient.
struct LossFormula: Sendable {
  /// A number among the settings: its name in files, the number, and where it has to lie.
  struct Number: Sendable {
    let name: String
    let value: Double
    let range: OptimizerSetting.Range
  }

  let numbers: [Number]
  /// The other settings, in Keras' names.
  let settings: [String: JSONValue]
  /// Tells whether targets are class numbers.
  let takesLabels: Bool
  /// A value for each row, or for whatever the axes of the loss leave.
  let values: @Sendable (_ targets: Tensor, _ predictions: Tensor) -> Tensor

  var configuration: [String: JSONValue] {
    settings.merging(numbers.map { ($0.name, .number($0.value)) }) { $1 }
  }
}

extension Loss {
  /// - Parameter name: labelled, so that it is never taken for a loss of one's own.
  init(
    formula name: String, _ numbers: [(name: String, value: Double, range: OptimizerSetting.Range)] = [],
    settings: [String: JSONValue] = [:], takesLabels: Bool = false,
    _ values: @escaping @Sendable (_ t: Tensor, _ p: Tensor) -> Tensor
  ) {
    let numbers = numbers.map { LossFormula.Number(name: $0.name, value: $0.value, range: $0.range) }
    self.init(
      name, .formula(LossFormula(numbers: numbers, settings: settings, takesLabels: takesLabels, values: values)))
  }

  /// The losses that are made of tensor operations and have no settings.
  private static let plainFormulas: [Loss] = [
    .meanAbsolutePercentageError, .meanSquaredLogarithmicError, .logCosh, .hinge, .squaredHinge, .categoricalHinge,
    .klDivergence, .poisson,
  ]

  /// The names of all losses that are made of tensor operations.
  static let formulaNames =
    plainFormulas.map(\.name) + [
      "cosine_similarity", "quantile", "dice", "tversky", "binary_focal_crossentropy",
      "categorical_focal_crossentropy", "categorical_generalized_cross_entropy",
    ]

  private static let formulaAliases = [
    "mape": "mean_absolute_percentage_error", "msle": "mean_squared_logarithmic_error", "logcosh": "log_cosh",
    "kld": "kl_divergence", "kullback_leibler_divergence": "kl_divergence", "k_l_divergence": "kl_divergence",
  ]

  /// Makes a loss of tensor operations from its settings, which have Keras' defaults; nil for another name.
  static func formula(_ name: String, _ a: LayerArguments) throws(RecurraError) -> Loss? {
    let name = formulaAliases[name] ?? name
    if let plain = plainFormulas.first(where: { $0.name == name }) { return plain }
    switch name {
    case "cosine_similarity": return .cosineSimilarity(axis: try a.integer("axis", default: -1))
    case "quantile": return .quantile(try a.number("quantile", default: 0.5))
    case "dice": return .dice(axis: try a.axes("axis"))
    case "tversky":
      return .tversky(
        alpha: try a.number("alpha", default: 0.5), beta: try a.number("beta", default: 0.5), axis: try a.axes("axis"))
    case "binary_focal_crossentropy":
      return .binaryFocalCrossEntropy(
        applyClassBalancing: try a.bool("apply_class_balancing", default: false),
        alpha: try a.number("alpha", default: 0.25), gamma: try a.number("gamma", default: 2),
        fromLogits: try a.bool("from_logits", default: false),
        labelSmoothing: try a.number("label_smoothing", default: 0))
    case "categorical_focal_crossentropy":
      return .categoricalFocalCrossEntropy(
        alpha: try a.number("alpha", default: 0.25), gamma: try a.number("gamma", default: 2),
        fromLogits: try a.bool("from_logits", default: false),
        labelSmoothing: try a.number("label_smoothing", default: 0))
    case "categorical_generalized_cross_entropy":
      return .categoricalGeneralizedCrossEntropy(q: try a.number("q", default: 0.5))
    default: return nil
    }
  }
}

extension LossFormula {
  /// Adds up a value for each row, with its gradient when the predictions are tracked; nil where the values are not one
  /// to a row.
  ///
  /// What a row is worth does not depend on the other rows, to the bit.
  ///
  /// - Parameters:
  ///   - labels: each row's class, where the loss takes class numbers.
  ///   - divisor: what the sum is divided by in the tensor.
  func rows(
    _ pair: Pairing, _ labels: [Int]?, _ weights: RowWeights, _ divisor: Double, _ name: String
  ) throws(RecurraError) -> (tensor: Tensor, sum: Double)? {
    guard weights.total > 0 else { return (OwnFunction.nothing(pair.predictions), 0) }
    let targets = labels.map { Tensor($0.map { Int32($0) }, shape: pair.targets.shape) } ?? pair.targets
    let filled = try Pairing(targets, pair.predictions).filled(weights, name)
    // A number of its own for each row is a row of one number.
    let isVector = filled.predictions.rank == 1
    let predictions = isVector ? filled.predictions.expanded(at: 1) : filled.predictions
    let values = values(isVector ? filled.targets.expanded(at: 1) : filled.targets, predictions)
    guard values.shape == Array(predictions.shape.dropLast()) else { return nil }
    var sum = 0.0
    for (row, value) in values.detached.converted(to: .float64).scalars(as: Double.self).enumerated()
    where weights[row] != 0 {
      sum += weights[row] * value
    }
    let shares = Tensor((0..<weights.count).map { weights[$0] / divisor }, shape: values.shape)
      .converted(to: values.dtype)
    let tensor = Tensor(sum / divisor, dtype: values.dtype).derived(from: [values]) { upstream, _ in
      [shares * upstream.reshaped([])]
    }
    return (tensor, sum)
  }

  /// The smallest number that Keras lets stand below a fraction or in a logarithm.
  static let epsilon = 1e-7

  /// The mean over a row.
  static func mean(_ values: Tensor) -> Tensor { sum(values) / Double(values.shape.last ?? 1) }

  /// The sum over a row, added up in Double: its bits do not depend on the number of rows, as those of a matrix product
  /// with ones do.
  static func sum(_ x: Tensor, keepingDimensions: Bool = false) -> Tensor {
    let (shape, width) = (x.shape, max(x.shape.last ?? 1, 1))
    func sums<S: FloatingScalar>(_ type: S.Type) -> [S] {
      x.detached.contiguous.withSpan(of: S.self) { values in
        (0..<values.count / width).map { row in
          var sum = 0.0
          for i in row * width..<(row + 1) * width { sum += Double(values[i]) }
          return S(sum)
        }
      }
    }
    let kept = Array(shape.dropLast()) + (keepingDimensions ? [1] : [])
    let value =
      x.dtype == .float32 ? Tensor(sums(Float.self), shape: kept) : Tensor(sums(Double.self), shape: kept)
    return value.derived(from: [x]) { upstream, _ in
      [
        (keepingDimensions ? upstream : upstream.expanded(at: shape.count - 1))
          * Tensor.ones(shape, dtype: upstream.dtype)
      ]
    }
  }

  /// The larger of each element and a number.
  static func atLeast(_ least: Double, _ x: Tensor) -> Tensor { .maximum(x, Tensor(least, dtype: x.dtype)) }

  /// Targets t as t·(1 − s) + s / classes.
  static func smoothed(_ targets: Tensor, _ smoothing: Double, classes: Int) -> Tensor {
    smoothing == 0 ? targets : targets * (1 - smoothing) + smoothing / Double(classes)
  }

  /// Targets for hinges: 0 and 1 as −1 and 1.
  static func signs(_ targets: Tensor) -> Tensor {
    .select(targets.isEqual(to: Tensor(0, dtype: targets.dtype)), Tensor(-1, dtype: targets.dtype), targets)
  }
}

extension LayerArguments {
  /// Reads axes: one, a list, or null for all of them.
  fileprivate func axes(_ name: String) throws(RecurraError) -> [Int]? {
    switch value(name) {
    case nil: return nil
    case .array(let elements)?:
      return try elements.map { (element) throws(RecurraError) in
        guard case .integer(let axis) = element else { throw failure(name, expected: "whole numbers", got: element) }
        return axis
      }
    case _?: return [try integer(name)]
    }
  }
}
