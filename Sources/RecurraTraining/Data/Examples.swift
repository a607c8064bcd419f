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
  /// The number of timesteps of each row of targets that came as a list; nil where they did not.
  package private(set) var targetLengths: [Int]?

  /// Gathers what belongs together for a model of one input and one output; nothing is checked before it is used.
  public init(_ x: Tensor, _ y: Tensor, lengths: [Int]? = nil, sampleWeights: Tensor? = nil) {
    self.init(x, y, mask: lengths.map { .lengths($0) } ?? .all, sampleWeights: sampleWeights)
  }

  /// Gathers what belongs together, with a mask of any kind.
  public init(_ x: Tensor, _ y: Tensor, mask: SequenceMask, sampleWeights: Tensor? = nil) {
    self.init([x], [y], masks: [mask], sampleWeights: [sampleWeights])
  }

  /// Gathers rows of different lengths with a target for each, for a model of one input and one output.
  ///
  /// Rows are padded behind their ends, and each counts up to its own length.
  ///
  /// - Shapes: rows [Tₙ, …], or [Tₙ] for ids; y [N, …].
  /// - Throws: `badData` for no rows, and for rows of different types or features.
  public init(rows: [Tensor], _ y: Tensor, sampleWeights: Tensor? = nil) throws(RecurraError) {
    let (x, lengths) = try Tensor.padSequences(rows)
    self.init(x, y, lengths: lengths, sampleWeights: sampleWeights)
  }

  /// Gathers rows of different lengths with targets as a list: one for every timestep of a row.
  ///
  /// - Shapes: rows [Tₙ, …]; y [T′ₙ, …], as many timesteps as the model gives out for the row, or […] where
  ///   it gives one answer.
  /// - Throws: `badData` for no rows, other numbers of rows and targets, and for different types or features.
  public init(rows: [Tensor], _ y: [Tensor], sampleWeights: Tensor? = nil) throws(RecurraError) {
    guard rows.count == y.count else {
      throw RecurraError(
        .badData, operation: "Examples", expected: "a target for each of \(rows.count) rows", got: "\(y.count)")
    }
    if let first = y.first, first.rank == 0, y.allSatisfy({ $0.rank == 0 && $0.dtype == first.dtype }) {
      try self.init(rows: rows, .stacked(y), sampleWeights: sampleWeights)
    } else {
      let (targets, lengths) = try Tensor.padSequences(y)
      try self.init(rows: rows, targets, sampleWeights: sampleWeights)
      targetLengths = lengths
    }
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
