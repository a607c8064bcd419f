public import RecurraLayers

/// What reading a model may need besides its file.
public struct ReadingOptions: Sendable {
  /// What the file may name.
  public var registry: Registry
  /// The file with the weights, where the model's own is an architecture alone.
  public var weights: String?

  /// Makes options.
  public init(registry: Registry = .formats, weights: String? = nil) {
    (self.registry, self.weights) = (registry, weights)
  }
}
