public import RecurraTensor
internal import Synchronization

/// A tensor that belongs to a layer and that training changes.
///
/// Reading gives the value of that moment; a later update never changes what was read, so a model can answer requests while it
/// is being trained.
public final class Parameter: Sendable {
  /// What the parameter is in its layer, in Keras' words: "kernel", "bias", "embeddings", …
  public let name: String
  /// Tells whether optimisers change it.
  public let isTrainable: Bool
  /// The start of every history that leads through this parameter.
  private let leaf: Origin
  private let state: Mutex<(value: Tensor, version: Int)>

  /// Makes a parameter with its first value.
  public init(_ name: String, _ value: Tensor, isTrainable: Bool = true) {
    self.name = name
    self.isTrainable = isTrainable
    leaf = Origin(node: Node(parents: []) { _ in [] })
    state = Mutex((value.detached.contiguous, 0))
  }

  /// The value; setting one of another shape or type is a programmer's mistake.
  public var value: Tensor {
    get { state.withLock { $0.value } }
    set {
      state.withLock { state in
        precondition(
          newValue.shape == state.value.shape && newValue.dtype == state.value.dtype,
          "Parameter \(name): expected \(state.value.dtype) \(state.value.shape), got \(newValue.dtype) \(newValue.shape)")
        state = (newValue.detached.contiguous, state.version + 1)
      }
    }
  }

  /// The value as the start of a history: gradients with respect to it are the parameter's.
  public var tracked: Tensor { state.withLock { $0.value.with(origin: leaf) } }

  /// The value with the number of changes it has seen; weights packed for one version serve until the next.
  package var versioned: (value: Tensor, version: Int) { state.withLock { $0 } }

  /// Changes the value in place where nobody else holds it.
  package func update(_ body: (inout Tensor) -> Void) {
    state.withLock { state in
      body(&state.value)
      state.version += 1
    }
  }
}
