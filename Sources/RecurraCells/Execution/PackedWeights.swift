internal import CRecurraKernels
import RecurraTensor

/// Keeps the weights of one direction in the kernels' own layout, packed once for every version of the weights.
///
/// One belongs to each direction of a layer; several requests may use it at the same time.
public final class PackedWeights: Sendable {
  private struct Entry: Sendable {
    var version: Int
    var packed: Tensor
  }

  private let forward = Guarded<Entry?>(nil)
  private let backward = Guarded<Entry?>(nil)
  private let input = Guarded<Entry?>(nil)
  private let steps = Guarded<StepEntry?>(nil)
  private struct StepEntry: Sendable {
    let version: Int
    let products: StepProducts
  }
  /// The product of the table that inputs are looked up in.
  let table = TableProduct()

  /// Makes an empty store.
  public init() {}

  /// The products of a step of a cell without fused gates: the stored ones where they are of the direction's version.
  func products(
    _ cell: any GatedCell, _ direction: RecurrentDirection, inputs: Int, units: Int
  ) -> StepProducts {
    if let stored = steps.withLock({ $0 }), stored.version == direction.version { return stored.products }
    let products = StepProducts(cell, direction, inputs: inputs, units: units)
    _ = steps.exchange(StepEntry(version: direction.version, products: products))
    return products
  }

  /// What is packed, for forward, backward and the products after the loop.
  enum Layout {
    /// [W; U] in forward panels.
    case forward
    /// Uᵀ in backward panels.
    case backward
    /// Wᵀ in panels, for the gradient of the input.
    case input
  }

  private func stored(_ layout: Layout) -> Entry? {
    switch layout {
    case .forward: forward.withLock { $0 }
    case .backward: backward.withLock { $0 }
    case .input: input.withLock { $0 }
    }
  }

  private func keep(_ entry: Entry, _ layout: Layout) {
    switch layout {
    case .forward: _ = forward.exchange(entry)
    case .backward: _ = backward.exchange(entry)
    case .input: _ = input.exchange(entry)
    }
  }

  /// Some layouts of some directions of one layer, in that order: the stored one where it is of the direction's
  /// version.
  ///
  /// What is missing is packed in one go, outside the locks: the panels of all layouts and directions over the threads.
  static func packed(
    _ layouts: [Layout], of directions: [RecurrentDirection], _ kernels: RecurraCellKernels?, inputs: Int, units: Int
  ) -> [[Tensor]] {
    var missing: [Packing] = []
    let result = layouts.map { layout in
      directions.map { direction in
        if let stored = direction.packed.stored(layout), stored.version == direction.version {
          return stored.packed
        }
        let packing = Packing(layout, direction, kernels, inputs, units)
        missing.append(packing)
        return packing.target
      }
    }
    guard !missing.isEmpty else { return result }
    let jobs = missing.flatMap { packing in packing.pieces.map { (packing, $0) } }
    let lasting = 2 * Threads.nanoseconds(copying: missing.reduce(0) { $0 + $1.target.count })
    Threads.run(jobs.count, lasting: lasting) { jobs[$0].0.run(jobs[$0].1) }
    for packing in missing {
      let entry = Entry(version: packing.direction.version, packed: packing.target)
      packing.direction.packed.keep(entry, packing.layout)
    }
    return result
  }

  /// [W; U] of one direction in forward panels.
  static func forward(
    _ direction: RecurrentDirection, _ kernels: RecurraCellKernels, inputs: Int, units: Int
  ) -> Tensor {
    packed([.forward], of: [direction], kernels, inputs: inputs, units: units)[0][0]
  }
}

/// One layout in the making.
private struct Packing {
  let layout: PackedWeights.Layout
  let direction: RecurrentDirection
  /// Those of the cell; the layout of the inputs needs none.
  let kernels: RecurraCellKernels?
  let inputs, units, panels: Int
  let target: Tensor

  init(
    _ layout: PackedWeights.Layout, _ direction: RecurrentDirection, _ kernels: RecurraCellKernels?, _ inputs: Int,
    _ units: Int
  ) {
    (self.layout, self.direction, self.kernels, self.inputs, self.units) = (layout, direction, kernels, inputs, units)
    let size: Int
    switch (layout, kernels) {
    case (.forward, let kernels?):
      (size, panels) = (kernels.packedForwardSize(inputs, units), kernels.forwardPanels(units))
    case (.backward, let kernels?): (size, panels) = (kernels.packedBackwardSize(units), kernels.backwardPanels(units))
    default:
      let (matrix, columns) = (Kernels.table.matrix, direction.weights.shape[1])
      (size, panels) = (matrix.packedTransposeSize(inputs, columns), matrix.transposedPanels(inputs))
    }
    target = Tensor(uninitialized: [size], dtype: .float32)
  }

  /// Ranges of panels, 16 at most.
  var pieces: [Range<Int>] {
    let count = min(panels, 16)
    return (0..<count).map { (panels * $0 / count)..<(panels * ($0 + 1) / count) }
  }

  func run(_ range: Range<Int>) {
    let packed = target.storage.pointer.assumingMemoryBound(to: Float.self)
    direction.weights.withPointer(of: Float.self) { weights in
      switch (layout, kernels) {
      case (.forward, let kernels?):
        kernels.packForward(inputs, units, weights, packed, range.lowerBound, range.upperBound)
      case (.backward, let kernels?):
        kernels.packBackward(inputs, units, weights, packed, range.lowerBound, range.upperBound)
      default:
        Kernels.table.matrix.packTranspose(
          inputs, direction.weights.shape[1], weights, packed, range.lowerBound, range.upperBound)
      }
    }
  }
}
