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
    entry(forwardEntry, direction, size: kernels.packedForwardSize(inputs, units), panels: kernels.forwardPanels(units))
    {
      kernels.packForward(inputs, units, $0, $1, $2, $3)
    }
  }

  /// Uᵀ in backward panels.
  func backward(_ direction: RecurrentDirection, _ kernels: RecurraCellKernels, inputs: Int, units: Int) -> Tensor {
    entry(backwardEntry, direction, size: kernels.packedBackwardSize(units), panels: kernels.backwardPanels(units)) {
      kernels.packBackward(inputs, units, $0, $1, $2, $3)
    }
  }

  /// Wᵀ in panels, for the gradient of the input.
  func input(_ direction: RecurrentDirection, _ kernels: RecurraCellKernels, inputs: Int, units: Int) -> Tensor {
    entry(inputEntry, direction, size: kernels.packedInputSize(inputs, units), panels: kernels.backwardPanels(inputs)) {
      kernels.packInput(inputs, units, $0, $1, $2, $3)
    }
  }

  /// The stored layout when it is of the direction's version; packs otherwise, outside the lock, panels over the streams, small weights
  /// in one go.
  private func entry(
    _ store: borrowing Mutex<Entry?>, _ direction: RecurrentDirection, size: Int, panels: Int,
    _ kernel: (UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int, Int) -> Void
  ) -> Tensor {
    if let entry = store.withLock({ $0 }), entry.version == direction.version { return entry.packed }
    let packed = Tensor(uninitialized: [size], dtype: .float32)
    let pieces = size < 1 << 14 ? 1 : min(panels, 16)
    let step = (panels + pieces - 1) / pieces
    let target = packed.storage.pointer.assumingMemoryBound(to: Float.self)
    direction.weights.withPointer(of: Float.self) { source in
      Streams.run(pieces) { piece in
        let first = piece * step
        if first < panels { kernel(source, target, first, min(first + step, panels)) }
      }
    }
    store.withLock { $0 = Entry(version: direction.version, packed: packed) }
    return packed
  }
}
