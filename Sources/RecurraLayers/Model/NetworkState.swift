internal import Synchronization

/// Remembers what a model asks for once; a model makes one and never touches it.
public final class NetworkState: Sendable {
  /// Tells whether there was room for the parameters' first values.
  let hasParameterMemory = Atomic(false)

  /// Makes an empty one.
  public init() {}
}
