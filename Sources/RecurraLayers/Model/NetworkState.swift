internal import Synchronization

/// Remembers what a model asks for once; a model makes one and never touches it.
public final class NetworkState: Sendable {
  /// Tells whether there was room for the parameters' first values.
  let hasParameterMemory = Atomic(false)
  /// About how many numbers all layers together take for a timestep of a row; 0 before the model is built.
  let numbersPerStep = Atomic(0)

  /// Makes an empty one.
  public init() {}
}
