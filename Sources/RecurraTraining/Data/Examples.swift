public import RecurraTensor

/// Inputs with what the model should answer, row by row: what `fit` validates with.
public struct Examples: Sendable {
  /// The inputs, one to a row.
  public var x: Tensor
  /// The targets, one to a row.
  public var y: Tensor
  /// The number of valid timesteps of each row; nil when all are full.
  public var lengths: [Int]?
  /// How much each row [N], or each timestep of a row [N, T], counts in loss and metrics; nil when all count alike.
  public var sampleWeights: Tensor?

  /// Gathers what belongs together; nothing is checked before it is used.
  public init(_ x: Tensor, _ y: Tensor, lengths: [Int]? = nil, sampleWeights: Tensor? = nil) {
    self.x = x
    self.y = y
    self.lengths = lengths
    self.sampleWeights = sampleWeights
  }
}
