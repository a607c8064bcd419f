internal import CRecurraKernels

/// Multiplies rows by a matrix W in the kernels' own layout, in which it is packed once for every version of it.
///
/// An element is one chain of fused multiply-adds in a fixed order, so a row's result depends on that row, W and the
/// bias alone, to the bit: neither on the other rows nor on the number of threads. Several requests may use one product
/// at the same time.
package final class PackedProduct: Sendable {
  private let straight = PackedMatrix()
  private let transposed = PackedMatrix()

  /// Makes one that has packed nothing yet.
  package init() {}

  /// Computes x·W + bias, and records how its gradients are made: that of W by OpenBLAS.
  ///
  /// - Parameter version: the number of changes that W has seen.
  /// - Shapes: `x` [B, …, I], `weights` [I, N], `bias` [N]; result [B, …, N].
  /// - Precondition: float32, and at least one input and one column.
  /// - Complexity: 2·rows·I·N flops. A new version of W is copied once, and once more for the gradient of x.
  package func callAsFunction(_ x: Tensor, _ weights: Tensor, version: Int, adding bias: Tensor?) -> Tensor {
    let (rows, matrix) = (x.detached.contiguous, weights.detached.contiguous)
    let sums = multiply(rows, matrix, version, bias?.detached.contiguous ?? .zeros([matrix.shape[1]], dtype: .float32))
    return sums.derived(from: [x, weights] + [bias].compactMap { $0 }) { upstream, needed in
      let gradient = upstream.contiguous.reshaped([-1, matrix.shape[1]])
      let left = rows.reshaped([-1, matrix.shape[0]])
      return [
        needed[0] ? self.inputGradient(gradient, matrix, version).reshaped(rows.shape) : nil,
        needed[1] ? left.transposed().matrixProduct(gradient) : nil,
      ] + needed.dropFirst(2).map { $0 ? gradient.sum(axes: [0]) : nil }
    }
  }

  private func multiply(_ x: Tensor, _ weights: Tensor, _ version: Int, _ bias: Tensor) -> Tensor {
    let (inputs, units, kernels) = (weights.shape[0], weights.shape[1], Kernels.table.matrix)
    let panels = kernels.panels(units)
    let packed = straight.packed(weights, version, size: kernels.packedSize(inputs, units), panels: panels) {
      kernels.pack(inputs, units, $0, $1, $2.lowerBound, $2.upperBound)
    }
    let (input, start, columns) = (x.kernelRows(inputs), bias.kernelRows(0), packed.kernelRows(0).base)
    return Tensor(x.shape.dropLast() + [units], of: Float.self) { output in
      Self.each(rows: x.count / inputs, depth: inputs, columns: units, panels: panels) { rows, panel, scratch in
        var job = RecurraProduct()
        (job.rows, job.inputs, job.units) = (rows.count, inputs, units)
        job.panels = RecurraPanels(begin: panel, end: panel + 1)
        (job.x, job.`init`) = (input.from(rows.lowerBound), start)
        job.out = RecurraRows(base: output, stride: units).from(rows.lowerBound)
        (job.packed, job.scratch) = (UnsafePointer(columns), scratch)
        kernels.product(&job)
      }
      withExtendedLifetime((x, bias, packed)) {}
    }
  }

  /// Computes upstream·Wᵀ.
  private func inputGradient(_ upstream: Tensor, _ weights: Tensor, _ version: Int) -> Tensor {
    let (inputs, units, kernels) = (weights.shape[0], weights.shape[1], Kernels.table.matrix)
    let (panels, width) = (kernels.transposedPanels(inputs), Int(RECURRA_TRANSPOSED_COLUMNS))
    let size = kernels.packedTransposeSize(inputs, units)
    let packed = transposed.packed(weights, version, size: size, panels: panels) {
      kernels.packTranspose(inputs, units, $0, $1, $2.lowerBound, $2.upperBound)
    }
    let (gradient, columns) = (upstream.kernelRows(units), packed.kernelRows(0).base)
    let count = upstream.count / units
    return Tensor([count, inputs], of: Float.self) { output in
      Self.each(rows: count, depth: units, columns: inputs, panels: panels) { rows, panel, scratch in
        var job = RecurraInputGradient()
        (job.rowBegin, job.rowEnd, job.rowsPerStep) = (rows.lowerBound, rows.upperBound, 1)
        (job.inputs, job.units) = (min(width, inputs - panel * width), units)
        (job.dgates, job.packed) = (gradient, columns.map { UnsafePointer($0 + panel * width * units) })
        (job.out, job.stepStride, job.scratch) = (output + panel * width, inputs, scratch)
        kernels.inputGradient(&job)
      }
      withExtendedLifetime((upstream, packed)) {}
    }
  }

  /// Runs `body` for every panel and some rows at a time, on the threads.
  ///
  /// The rows of a piece stay in a core's own cache while panel after panel goes by.
  private static func each(
    rows: Int, depth: Int, columns: Int, panels: Int,
    _ body: (_ rows: Range<Int>, _ panel: Int, _ scratch: UnsafeMutablePointer<Float>) -> Void
  ) {
    // With few panels there is a piece for each of some threads all the same.
    let cached = min(max(64, (1 << 16) / depth), 512)
    let most = panels < 8 ? min(cached, max(48, rows * panels / 8)) : cached
    let blocks = (rows + most - 1) / most
    let cuts = min(panels, max(1, 16 / max(blocks, 1)))
    let bytes = Kernels.table.matrix.scratchSize(most) * MemoryLayout<Float>.stride
    // A core does some 75 multiplications in a nanosecond, those of a vector's unused columns too.
    let width = Int(Kernels.table.vectorWidth)
    let lasting = depth * ((columns + width - 1) / width * width) * (rows + 4) / 75
    Threads.run(blocks * cuts, lasting: lasting) { piece in
      let (block, cut) = (piece / cuts, piece % cuts)
      let range = (rows * block / blocks)..<(rows * (block + 1) / blocks)
      let scratch = Storage(byteCount: bytes)
      withExtendedLifetime(scratch) {
        let floats = scratch.pointer.assumingMemoryBound(to: Float.self)
        for panel in (panels * cut / cuts)..<(panels * (cut + 1) / cuts) { body(range, panel, floats) }
      }
    }
  }
}

/// A matrix in one layout of the kernels, of the version that was asked for last.
private final class PackedMatrix: Sendable {
  private struct Entry: Sendable {
    let version: Int
    let packed: Tensor
  }

  private let entry = Guarded<Entry?>(nil)

  /// The packed matrix of a version; what is missing is packed outside of the lock, some panels to a piece.
  func packed(
    _ weights: Tensor, _ version: Int, size: Int, panels: Int,
    _ pack: (UnsafePointer<Float>, UnsafeMutablePointer<Float>, Range<Int>) -> Void
  ) -> Tensor {
    if let stored = entry.withLock({ $0 }), stored.version == version { return stored.packed }
    let pieces = min(panels, 16)
    let packed = Tensor([size], of: Float.self) { target in
      weights.withPointer(of: Float.self) { weights in
        Threads.run(pieces, lasting: 2 * Threads.nanoseconds(copying: size)) { piece in
          pack(weights, target, (panels * piece / pieces)..<(panels * (piece + 1) / pieces))
        }
      }
    }
    _ = entry.exchange(Entry(version: version, packed: packed))
    return packed
  }
}

extension Tensor {
  /// The elements of a dense tensor as kernels read them; the tensor must outlive their work.
  fileprivate func kernelRows(_ stride: Int) -> RecurraRows {
    RecurraRows(base: storage.pointer.assumingMemoryBound(to: Float.self) + offset, stride: stride)
  }
}

extension RecurraRows {
  /// The rows from one on.
  fileprivate func from(_ row: Int) -> RecurraRows {
    RecurraRows(base: base.map { $0 + row * stride }, stride: stride)
  }
}
