internal import CRecurraKernels

/// Updates float32 parameters in place by the vector kernels, cut over the engine's threads.
///
/// Every element is updated by itself, so the cuts do not show in the result. The order of operations is Keras': weight
/// decay first, then the rule.
package struct VectorUpdate {
  private let learningRate: Float
  private let weightDecay: Float
  private let gradientScale: Float

  package init(learningRate: Double, weightDecay: Double, gradientScale: Double) {
    self.learningRate = Float(learningRate)
    self.weightDecay = Float(weightDecay)
    self.gradientScale = Float(gradientScale)
  }

  /// Gradient descent; moments: the velocity, where there is momentum.
  package func sgd(
    _ weights: inout Tensor, _ gradient: Gradient, _ moments: inout [Tensor], momentum: Double, nesterov: Bool
  ) {
    var settings = RecurraSGD()
    (settings.learningRate, settings.weightDecay, settings.gradientScale) = (learningRate, weightDecay, gradientScale)
    (settings.momentum, settings.nesterov) = (Float(momentum), nesterov ? 1 : 0)
    let v = momentum == 0 ? nil : moments[0].writable
    update(&weights, gradient) { [settings] w, g, start, count in
      withUnsafePointer(to: settings) { Kernels.table.sgd($0, w, g, v.map { $0 + start }, count) }
    }
  }

  /// RMSprop; moments: the velocity, the moment where there is momentum, the average where it is centred.
  package func rmsprop(
    _ weights: inout Tensor, _ gradient: Gradient, _ moments: inout [Tensor], rho: Double, momentum: Double,
    epsilon: Double, isCentered: Bool
  ) {
    var settings = RecurraRMSprop()
    (settings.learningRate, settings.weightDecay, settings.gradientScale) = (learningRate, weightDecay, gradientScale)
    (settings.rho, settings.momentum, settings.epsilon) = (Float(rho), Float(momentum), Float(epsilon))
    let v = moments[0].writable
    let m = momentum > 0 ? moments[1].writable : nil
    let a = isCentered ? moments[momentum > 0 ? 2 : 1].writable : nil
    update(&weights, gradient) { [settings] w, g, start, count in
      withUnsafePointer(to: settings) {
        Kernels.table.rmsprop($0, w, g, v + start, a.map { $0 + start }, m.map { $0 + start }, count)
      }
    }
  }

  /// Adam with the step size of this update; moments: the means of gradients and of squares, the maximum where it is
  /// kept.
  package func adam(
    _ weights: inout Tensor, _ gradient: Gradient, _ moments: inout [Tensor], stepSize: Double, beta1: Double,
    beta2: Double, epsilon: Double, keepsMaximum: Bool
  ) {
    var settings = RecurraAdam()
    (settings.learningRate, settings.weightDecay, settings.gradientScale) = (learningRate, weightDecay, gradientScale)
    (settings.stepSize, settings.beta1, settings.beta2) = (Float(stepSize), Float(beta1), Float(beta2))
    settings.epsilon = Float(epsilon)
    let m = moments[0].writable
    let v = moments[1].writable
    let x = keepsMaximum ? moments[2].writable : nil
    update(&weights, gradient) { [settings] w, g, start, count in
      withUnsafePointer(to: settings) {
        Kernels.table.adam($0, w, g, m + start, v + start, x.map { $0 + start }, count)
      }
    }
  }

  /// Adagrad; moments: the accumulator.
  package func adagrad(_ weights: inout Tensor, _ gradient: Gradient, _ moments: inout [Tensor], epsilon: Double) {
    var settings = RecurraAdagrad()
    (settings.learningRate, settings.weightDecay, settings.gradientScale) = (learningRate, weightDecay, gradientScale)
    settings.epsilon = Float(epsilon)
    let a = moments[0].writable
    update(&weights, gradient) { [settings] w, g, start, count in
      withUnsafePointer(to: settings) { Kernels.table.adagrad($0, w, g, a + start, count) }
    }
  }

  private func update(
    _ weights: inout Tensor, _ gradient: Gradient,
    _ kernel: (UnsafeMutablePointer<Float>, UnsafePointer<Float>, _ start: Int, _ count: Int) -> Void
  ) {
    let count = weights.count
    let w = weights.writable
    switch gradient {
    case .dense(let gradient):
      gradient.contiguous.withPointer(of: Float.self) { g in
        Tensor.blocks(of: count) { kernel(w + $0.lowerBound, g + $0.lowerBound, $0.lowerBound, $0.count) }
      }
    case .rows(let rows):
      rows.forEachStretch(of: Tensor.blockSize) { g, start, count in kernel(w + start, g, start, count) }
    }
  }
}

extension Tensor {
  /// Σ x² in double precision, summed in blocks of a fixed size and in a fixed order.
  package var sumOfSquares: Double {
    let dense = contiguous
    guard dtype == .float32 else {
      return dense.withPointer(of: Double.self) { x in (0..<count).reduce(0) { $0 + x[$1] * x[$1] } }
    }
    let size = Self.blockSize
    return withUnsafeTemporaryAllocation(of: Double.self, capacity: (count + size - 1) / size) { sums in
      dense.withPointer(of: Float.self) { x in
        Self.blocks(of: count) { sums[$0.lowerBound / size] = Kernels.table.sumOfSquares(x + $0.lowerBound, $0.count) }
      }
      return sums.reduce(0, +)
    }
  }

  /// Tells whether no element is NaN or infinite.
  package var isAllFinite: Bool {
    switch dtype.representation {
    // The squares of float32 never overflow a Double.
    case .float32: sumOfSquares.isFinite
    // x · 0 is 0 for every finite number, and NaN for the others.
    case .float64: contiguous.withPointer(of: Double.self) { x in (0..<count).reduce(0) { $0 + x[$1] * 0 } == 0 }
    case .int32: true
    }
  }

  /// Elements of a block: a few arrays of it stay in a core's own cache.
  fileprivate static var blockSize: Int { 1 << 14 }

  /// Runs `body`, which takes about a nanosecond for an element, on blocks of a fixed size, over the engine's threads.
  fileprivate static func blocks(of count: Int, _ body: (Range<Int>) -> Void) {
    Threads.run((count + blockSize - 1) / blockSize, lasting: count) { index in
      body(index * blockSize..<Swift.min((index + 1) * blockSize, count))
    }
  }

  /// The address of the elements, for writing while the tensor is not used otherwise; copied first where anything else
  /// sees them.
  fileprivate var writable: UnsafeMutablePointer<Float> {
    mutating get { withMutablePointer(of: Float.self) { $0 } }
  }
}
