public import RecurraLayers

/// What reading a model may need besides its file.
public struct ReadingOptions: Sendable {
  /// What the file may name.
  public var registry: Registry
  /// The file with the weights, where the model's own is an architecture alone.
  public var weights: String?
  /// What the caller looks at: nothing else is read twice.
  package enum Purpose: Sendable {
    /// All of the description.
    case everything
    /// The model, not its tensors by the file's names.
    case model
    /// Whatever answers: a graph of arrays where the file has one, else the model.
    case prediction
  }

  /// What the caller looks at.
  package var purpose = Purpose.everything

  /// Makes options.
  public init(registry: Registry = .formats, weights: String? = nil) {
    (self.registry, self.weights) = (registry, weights)
  }

  package init(registry: Registry = .formats, weights: String? = nil, for purpose: Purpose) {
    self.init(registry: registry, weights: weights)
    self.purpose = purpose
  }
}
