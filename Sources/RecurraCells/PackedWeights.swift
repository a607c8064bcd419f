internal import CRecurraKernels
import RecurraTensor
internal import Synchronization

/// Keeps the weights of one direction in the kernels' own layout, packed once for every version of the weights.
///
/// One belongs to each direction of a layer; several requests may use it at the same time.
public final class PackedWeights: Sendable {
  private struct Entry {
    var version: Int
    var packed: Tensor
  }

  private let forwardEntry = Mutex<Entry?>(nil)
  private let backwardEntry = Mutex<Entry?>(nil)
  private let inputEntry = Mutex<Entry?>(nil)

  /// Makes an empty store.
  public init() {}

  /// [W; U] in forward panels.
  func forward(_ direction: RecurrentDirection, _ kernels: RecurraCellKernels, inputs: Int, units: Int) -> Tensor {
    entry(forwardEntry, direction.version) {
      let packed = Tensor(uninitialized: [kernels.packedForwardSize(inputs, units)], dtype: .float32)
      Self.pack(direction.weights, packed, panels: kernels.forwardPanels(units)) {
        kernels.packForward(inputs, units, $0, $1, $2, $3)
      }
      return packed
    }
  }

  /// Uᵀ in backward panels.
  func backward(_ direction: RecurrentDirection, _ kernels: RecurraCellKernels, inputs: Int, units: Int) -> Tensor {
    entry(backwardEntry, direction.version) {
      let packed = Tensor(uninitialized: [kernels.packedBackwardSize(units)], dtype: .float32)
      Self.pack(direction.weights, packed, panels: kernels.backwardPanels(units)) {
        kernels.packBackward(inputs, units, $0, $1, $2, $3)
      }
      return packed
    }
  }

  /// Wᵀ in panels, for the gradient of the input.
  func input(_ direction: RecurrentDirection, _ kernels: RecurraCellKernels, inputs: Int, units: Int) -> Tensor {
    entry(inputEntry, direction.version) {
      let packed = Tensor(uninitialized: [kernels.packedInputSize(inputs, units)], dtype: .float32)
      Self.pack(direction.weights, packed, panels: kernels.backwardPanels(inputs)) {
        kernels.packInput(inputs, units, $0, $1, $2, $3)
      }
      return packed
    }
  }

  /// The stored layout when it is of the version asked for; packs otherwise, outside the lock.
  private func entry(_ store: borrowing Mutex<Entry?>, _ version: Int, _ pack: () -> Tensor) -> Tensor {
    if let entry = store.withLock({ $0 }), entry.version == version { return entry.packed }
    let packed = pack()
    store.withLock { $0 = Entry(version: version, packed: packed) }
    return packed
  }

  /// Packs panels on the streams; small weights in one go.
  private static func pack(
    _ weights: Tensor, _ packed: Tensor, panels: Int,
    _ kernel: (UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int, Int) -> Void
  ) {
    let pieces = packed.count < 1 << 14 ? 1 : min(panels, 16)
    let step = (panels + pieces - 1) / pieces
    let target = packed.storage.pointer.assumingMemoryBound(to: Float.self)
    weights.withPointer(of: Float.self) { source in
      Streams.run(pieces) { piece in
        let first = piece * step
        if first < panels { kernel(source, target, first, min(first + step, panels)) }
      }
    }
  }
}
