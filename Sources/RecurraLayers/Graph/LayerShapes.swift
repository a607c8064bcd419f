/// What a layer of a model is given and gives, where it runs.
public struct LayerShapes: Sendable {
  /// The layer's position in the model's `layers`.
  public let layer: Int
  /// The shapes of its inputs.
  public let inputs: [[Int?]]
  /// The shapes of its outputs.
  public let outputs: [[Int?]]
}
