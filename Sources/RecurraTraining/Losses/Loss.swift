public import RecurraLayers
public import RecurraTensor

/// Measures how far predictions are from targets: the number that training makes small.
///
/// Formulas, clipping and means are Keras'. A built-in loss is one operation with a hand-written gradient; a loss of
/// one's own is any function of tensors.
///
/// ```swift
/// let trainer = try model.compile(loss: .sparseCategoricalCrossEntropy, optimizer: .adam(), metrics: [.accuracy])
/// let own = Loss("log_cosh") { targets, predictions in (predictions - targets).squared }
/// ```
public struct Loss: Sendable {
  enum Kind: Sendable {
    case sparseCategorical(fromLogits: Bool, ignoreClass: Int?)
    case categorical(fromLogits: Bool, labelSmoothing: Double)
    case binary(fromLogits: Bool, labelSmoothing: Double)
    case squared
    case absolute
    case huber(delta: Double)
    case ctc
    case circle(CirclePairs)
    case formula(LossFormula)
    case function(@Sendable (_ targets: Tensor, _ predictions: Tensor) -> Tensor)
  }

  /// Keras' name of the loss, or the name a loss of one's own was given.
  public let name: String
  /// What the weighted sum over rows is divided by.
  public internal(set) var reduction = Reduction.meanWithSampleWeight
  let kind: Kind

  init(_ name: String, _ kind: Kind) {
    self.name = name
    self.kind = kind
  }

  /// Makes a loss from a function of targets and predictions, whose result's mean over what counts is the loss.
  ///
  /// The function may return a value for each element, row, timestep or sequence, or one number for all it was given.
  /// Targets come in the predictions' type, and in their shape where both have as many elements: [B] with predictions
  /// [B, 1] come as [B, 1]. Rows that do not count never reach it, another row's contents stand in their place; where
  /// sequences differ in length or rows in weight, a function of one number is called once for each weight, with the
  /// rows [1, N, C] that have it.
  ///
  /// - Parameters:
  ///   - name: what the loss is called in messages.
  ///   - function: made of tensor operations, so that it has a gradient.
  public init(_ name: String, _ function: @escaping @Sendable (_ targets: Tensor, _ predictions: Tensor) -> Tensor) {
    self.init(name, .function(function))
  }

  /// Cross-entropy of class numbers: −ln p[label], from probabilities.
  public static let sparseCategoricalCrossEntropy = sparseCategoricalCrossEntropy(fromLogits: false)
  /// Cross-entropy of one-hot or soft classes: −Σ t·ln p, from probabilities.
  public static let categoricalCrossEntropy = categoricalCrossEntropy(fromLogits: false)
  /// Cross-entropy of independent yes-or-no answers: −t·ln p − (1 − t)·ln(1 − p), from probabilities.
  public static let binaryCrossEntropy = binaryCrossEntropy(fromLogits: false)
  /// The mean of (p − t)².
  public static let meanSquaredError = Loss("mean_squared_error", .squared)
  /// The mean of |p − t|.
  public static let meanAbsoluteError = Loss("mean_absolute_error", .absolute)

  /// Cross-entropy of class numbers, from probabilities or from the numbers before a softmax.
  ///
  /// From probabilities: q = p clipped to [1e-7, 1 − 1e-7], ln Σ q − ln q[label]. From logits:
  /// ln Σ eᶻ − z[label].
  ///
  /// - Parameters:
  ///   - fromLogits: whether predictions are the numbers before a softmax.
  ///   - ignoreClass: a label, of whatever number, whose rows do not count in the loss and in the trainer's metrics.
  /// - Shapes: targets [B] or [B, 1], predictions [B, C]; with timesteps [B, T] and [B, T, C].
  public static func sparseCategoricalCrossEntropy(fromLogits: Bool = false, ignoreClass: Int? = nil) -> Loss {
    Loss("sparse_categorical_crossentropy", .sparseCategorical(fromLogits: fromLogits, ignoreClass: ignoreClass))
  }

  /// Cross-entropy of one-hot or soft classes, from probabilities or from the numbers before a softmax.
  ///
  /// From probabilities: q = p / Σ p clipped to [1e-7, 1 − 1e-7], −Σ t·ln q. From logits:
  /// Σ t·(ln Σ eᶻ − z). Label smoothing s makes of every target t the target t·(1 − s) + s / C.
  ///
  /// - Shapes: targets and predictions [B, C] or [B, T, C].
  public static func categoricalCrossEntropy(fromLogits: Bool = false, labelSmoothing: Double = 0) -> Loss {
    Loss("categorical_crossentropy", .categorical(fromLogits: fromLogits, labelSmoothing: labelSmoothing))
  }

  /// Cross-entropy of independent yes-or-no answers, from probabilities or from the numbers before a sigmoid.
  ///
  /// From probabilities: p clipped to [1e-7, 1 − 1e-7]. From logits: max(z, 0) − z·t + ln(1 + e^−|z|). Label
  /// smoothing s makes of every target t the target t·(1 − s) + s / 2.
  ///
  /// - Shapes: targets and predictions of one shape; targets [B] go with predictions [B, 1].
  public static func binaryCrossEntropy(fromLogits: Bool = false, labelSmoothing: Double = 0) -> Loss {
    Loss("binary_crossentropy", .binary(fromLogits: fromLogits, labelSmoothing: labelSmoothing))
  }

  /// The mean of (p − t)² / 2 where |p − t| ≤ δ, and δ·|p − t| − δ² / 2 elsewhere.
  public static func huber(delta: Double = 1) -> Loss { Loss("huber", .huber(delta: delta)) }

  /// Finds a loss by Keras' name, upper or lower case.
  ///
  /// - Throws: `RecurraError` of kind `badArgument` for a name that no built-in loss has.
  public init(named name: String) throws(RecurraError) {
    switch name.lowercased() {
    case "sparse_categorical_crossentropy": self = .sparseCategoricalCrossEntropy
    case "categorical_crossentropy": self = .categoricalCrossEntropy
    case "binary_crossentropy": self = .binaryCrossEntropy
    case "mean_squared_error", "mse": self = .meanSquaredError
    case "mean_absolute_error", "mae": self = .meanAbsoluteError
    case "huber": self = .huber()
    case "ctc", "c_t_c": self = .ctc
    case "circle": self = .circle()
    case let name:
      guard let found = try Self.formula(name, LayerArguments(typeName: name, values: [:])) else {
        let fused = [
          "sparse_categorical_crossentropy", "categorical_crossentropy", "binary_crossentropy", "mean_squared_error",
          "mean_absolute_error", "huber", "ctc", "circle",
        ]
        throw RecurraError(
          .badArgument, operation: "loss", expected: (fused + Self.formulaNames).joined(separator: ", "),
          got: name.excerpt)
      }
      self = found
    }
  }

  /// Computes the mean loss of predictions, with its gradient when they are tracked.
  ///
  /// - Parameters:
  ///   - targets: what the predictions should be; shapes as each loss says.
  ///   - predictions: [B, …], floating.
  ///   - lengths: the number of timesteps that count in each row of predictions [B, T, …]; all when left out. The
  ///     mean is then taken over the timesteps that count.
  ///   - mask: which timesteps count; where both are given both have to say so.
  /// - Precondition: shapes that fit each other, masks included, labels within the classes.
  /// - Complexity: one pass over the predictions, gradient included.
  public func callAsFunction(
    _ targets: Tensor, _ predictions: Tensor, lengths: [Int]? = nil, mask: SequenceMask? = nil
  ) -> Tensor {
    do {
      let weights = try RowWeights(
        predictions: predictions.shape, targets: targets, mask: try SequenceMask(lengths, mask),
        ignoreClass: ignoreClass)
      return try weighted(targets, predictions, weights).tensor
    } catch {
      stop(error.operation, expected: error.expected, got: error.got)
    }
  }

  /// The same loss taken from what stands before the activation that makes its probabilities, and that activation.
  var beforeActivation: (loss: Loss, activation: Activation)? {
    let logits: (loss: Loss, activation: Activation)
    switch kind {
    case .sparseCategorical(fromLogits: false, let ignoreClass):
      logits = (.sparseCategoricalCrossEntropy(fromLogits: true, ignoreClass: ignoreClass), .softmax)
    case .categorical(fromLogits: false, let smoothing):
      logits = (.categoricalCrossEntropy(fromLogits: true, labelSmoothing: smoothing), .softmax)
    case .binary(fromLogits: false, let smoothing):
      logits = (.binaryCrossEntropy(fromLogits: true, labelSmoothing: smoothing), .sigmoid)
    default: return nil
    }
    return (logits.loss.with(reduction: reduction), logits.activation)
  }

  /// The label whose rows do not count, where the loss names one.
  public var ignoreClass: Int? {
    if case .sparseCategorical(_, let label) = kind { label } else { nil }
  }

  /// Tells whether targets are class numbers.
  var takesLabels: Bool {
    switch kind {
    case .sparseCategorical: true
    case .formula(let formula): formula.takesLabels
    default: false
    }
  }
}
