internal import CRecurraKernels

extension Tensor {
  /// Computes ln Σ eᶻ − z[label] of rows of logits and, where it is wanted, its gradient, by rows on the threads.
  ///
  /// The gradient is scale · (softmax − onehot), made of the exponentials that the loss has added up.
  ///
  /// - Parameters:
  ///   - labels: the class of each row.
  ///   - scales: what each row's gradient is multiplied by; nil for a row that is not read, whose loss and
  ///     gradient are 0.
  /// - Shapes: this [B, …, C], dense float32; the gradient the same; losses one to a row.
  /// - Accuracy: a row's sum runs in one order whatever the threads and the instruction set.
  package func sparseCrossEntropy(
    labels: [Int], scales: [Float?], wantsGradient: Bool
  ) -> (losses: [Float], gradient: Tensor?) {
    let (rows, classes, logits) = (labels.count, shape[rank - 1], detached.contiguous)
    var gradient = wantsGradient ? Tensor(uninitialized: shape, dtype: .float32) : nil
    let output = gradient?.storage.pointer.assumingMemoryBound(to: Float.self)
    // A core makes about two exponentials in a nanosecond.
    let (pieces, lasting) = (Swift.min(rows, 64), rows * classes / 2)
    let losses = Tensor([rows], of: Float.self) { losses in
      logits.withPointer(of: Float.self) { logits in
        Threads.run(pieces, lasting: lasting) { piece in
          for row in (rows * piece / pieces)..<(rows * (piece + 1) / pieces) {
            let (z, slope) = (logits + row * classes, output.map { $0 + row * classes })
            losses[row] = Self.crossEntropy(z, label: labels[row], scales[row], classes, to: slope)
          }
        }
      }
    }
    if rows == 0 { gradient = wantsGradient ? .zeros(shape, dtype: .float32) : nil }
    return (losses.scalars(as: Float.self), gradient)
  }

  /// The loss of a row, and its gradient where there is room for it.
  private static func crossEntropy(
    _ logits: UnsafePointer<Float>, label: Int, _ scale: Float?, _ classes: Int, to slope: UnsafeMutablePointer<Float>?
  ) -> Float {
    guard let scale else {
      slope?.update(repeating: 0, count: classes)
      return 0
    }
    var largest: Float = 0
    let sum = Kernels.table.exponentials(logits, slope, classes, &largest)
    if let slope {
      Kernels.table.scale(slope, slope, classes, scale / sum)
      slope[label] -= scale
    }
    return Float.logarithm(sum) - (logits[label] - largest)
  }
}
