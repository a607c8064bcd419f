public import RecurraLayers
public import RecurraTensor

/// Inputs with what the model should answer, row by row: what `fit` trains on and validates with.
///
/// ```swift
/// let examples = Examples([words, features], [kinds, scores])
/// try trainer.fit(examples, batchSize: 32, epochs: 10)
/// ```
public struct Examples: Sendable {
  /// The batches of rows of every input of the model.
  public var inputs: [Tensor]
  /// The targets of every output of the model.
  public var targets: [Tensor]
  /// Which timesteps of every input count.
  public var masks: [SequenceMask]
  /// How much each row [N], or each timestep of a row [N, T], counts in loss and metrics of every output; nil when all
  /// count alike.
  public var weights: [Tensor?]

  /// Gathers what belongs together for a model of one input and one output; nothing is checked before it is used.
  public init(_ x: Tensor, _ y: Tensor, lengths: [Int]? = nil, sampleWeights: Tensor? = nil) {
    self.init(x, y, mask: lengths.map { .lengths($0) } ?? .all, sampleWeights: sampleWeights)
  }

  /// Gathers what belongs together, with a mask of any kind.
  public init(_ x: Tensor, _ y: Tensor, mask: SequenceMask, sampleWeights: Tensor? = nil) {
    self.init([x], [y], masks: [mask], sampleWeights: [sampleWeights])
  }

  /// Gathers what belongs together for a model of several inputs or outputs, in the order of the model's.
  ///
  /// - Parameters:
  ///   - inputs: the rows of every input.
  ///   - targets: the targets of every output.
  ///   - masks: which timesteps of every input count; all when left out.
  ///   - sampleWeights: how much rows count for every output; all alike when left out.
  public init(
    _ inputs: [Tensor], _ targets: [Tensor], masks: [SequenceMask]? = nil, sampleWeights: [Tensor?]? = nil
  ) {
    self.inputs = inputs
    self.targets = targets
    self.masks = masks ?? inputs.map { _ in .all }
    weights = sampleWeights ?? targets.map { _ in nil }
  }
}

/// A model of one input and one output.
extension Examples {
  /// The first input, one row to an example.
  public var x: Tensor {
    get { inputs.first ?? .zeros([0]) }
    set { inputs = [newValue] + inputs.dropFirst() }
  }
  /// The first output's targets, one to a row.
  public var y: Tensor {
    get { targets.first ?? .zeros([0]) }
    set { targets = [newValue] + targets.dropFirst() }
  }
  /// The number of valid timesteps of each row of the first input; nil when all are full.
  public var lengths: [Int]? {
    get { masks.first?.lengths }
    set { masks = [newValue.map { .lengths($0) } ?? .all] + masks.dropFirst() }
  }
  /// How much rows count for the first output.
  public var sampleWeights: Tensor? {
    get { weights.first ?? nil }
    set { weights = [newValue] + weights.dropFirst() }
  }
}
