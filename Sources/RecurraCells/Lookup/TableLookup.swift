internal import CRecurraKernels
import RecurraTensor

/// The products of a table with all directions, and for each timestep the row that is its.
struct LookedUpProducts {
  private let products: [Tensor]
  private let ids: Tensor

  init(_ products: [Tensor], _ ids: Tensor) { (self.products, self.ids) = (products, ids) }

  subscript(place: Int) -> (product: Tensor, ids: Tensor) { (products[place], ids) }
}

/// Keeps the product of a table with one direction's weights, bias added: where its input is looked up in the table, so
/// is the product.
final class TableProduct: Sendable {
  private struct Entry: Sendable {
    let owner: (any AnyObject & Sendable)?
    let tableVersion, weightsVersion: Int
    /// Held as it was: an update of the bias makes a new one.
    let bias: Tensor?
    /// Timesteps that have been looked up so far.
    var timesteps = 0
    var product: Tensor?

    func isOf(_ lookup: TableLookup, _ direction: RecurrentDirection) -> Bool {
      owner === lookup.owner && tableVersion == lookup.version && weightsVersion == direction.version
        && bias?.storage === direction.bias?.storage
    }
  }

  private let entry = Guarded<Entry?>(nil)

  /// The products of a lookup's table with all directions, each [N, slots]; nil while they would cost more than they
  /// have saved.
  ///
  /// All of a table is multiplied once as many timesteps have been looked up as it has rows, with the table and the
  /// weights as they are. So what is done in vain is no more than what had to be done anyway, and a table that changes
  /// with every call is never multiplied.
  static func products(
    _ lookup: TableLookup, _ cell: any GatedCell, _ directions: [RecurrentDirection], _ kernels: RecurraCellKernels
  ) -> LookedUpProducts? {
    let units = directions[0].weights.shape[1] / cell.gateCount
    guard lookup.owner != nil, lookup.table.shape[0] * cell.slotCount * units <= Tuning.standard.tableFloats else {
      return nil
    }
    let found = directions.map { $0.packed.table.find(lookup, $0) }
    guard found.allSatisfy(\.isWorthwhile) else { return nil }
    let missing = directions.indices.filter { found[$0].product == nil }
    var products = found.map(\.product)
    if !missing.isEmpty {
      let made = multiply(lookup.table.detached, cell, missing.map { directions[$0] }, kernels)
      for (index, product) in zip(missing, made) {
        directions[index].packed.table.keep(product, lookup, directions[index])
        products[index] = product
      }
    }
    return LookedUpProducts(products.compactMap { $0 }, lookup.ids)
  }

  /// Looks for the product, counts the timesteps, and tells whether there have been enough.
  private func find(
    _ lookup: TableLookup, _ direction: RecurrentDirection
  ) -> (product: Tensor?, isWorthwhile: Bool) {
    let fresh = Self.entry(lookup, direction)
    let (own, _) = entry.withLock { entry in
      let former = entry
      var own = former.flatMap { $0.isOf(lookup, direction) ? $0 : nil } ?? fresh
      own.timesteps += lookup.ids.count
      entry = own
      return (own, former)
    }
    return (own.product, own.product != nil || own.timesteps >= lookup.table.shape[0])
  }

  private func keep(_ product: Tensor, _ lookup: TableLookup, _ direction: RecurrentDirection) {
    var own = Self.entry(lookup, direction)
    own.product = product
    _ = entry.exchange(own)
  }

  private static func entry(_ lookup: TableLookup, _ direction: RecurrentDirection) -> Entry {
    Entry(
      owner: lookup.owner, tableVersion: lookup.version, weightsVersion: direction.version,
      bias: direction.bias?.detached)
  }

  /// Multiplies rows with the weights of some directions and adds the bias, over the threads.
  static func multiply(
    _ rows: Tensor, _ cell: any GatedCell, _ directions: [RecurrentDirection], _ kernels: RecurraCellKernels
  ) -> [Tensor] {
    let (count, inputs) = (rows.shape[0], rows.shape[1])
    let units = directions[0].weights.shape[1] / cell.gateCount
    let packed = PackedWeights.packed([.forward], of: directions, kernels, inputs: inputs, units: units)[0]
    let products = directions.map { _ in Tensor(uninitialized: [count, cell.slotCount * units], dtype: .float32) }
    let biases = directions.map { direction in
      direction.bias.map { cell.slotBias($0.detached, units: units).contiguous }
        ?? .zeros([cell.slotCount * units])
    }
    let stretch = Tuning.standard.productRows
    let scratch = Scratch.of(kernels, rows: stretch)
    let lasting = Estimate().nanoseconds(multiplications: inputs * cell.slotCount * units * count * directions.count)
    Threads.run(directions.count * ((count + stretch - 1) / stretch), lasting: lasting) { piece in
      let (place, first) = (piece % directions.count, piece / directions.count * stretch)
      InputProduct(
        x: DirectionRun<Float>.rows(rows).from(first), bias: DirectionRun<Float>.rows(biases[place]).base,
        packed: DirectionRun<Float>.rows(packed[place]).base, out: DirectionRun<Float>.rows(products[place]).from(first)
      ).run(kernels, rows: min(stretch, count - first), inputs: inputs, units: units, in: scratch)
    }
    return products
  }
}

/// Where the products of a run's inputs lie: for every step and row a row of a table's product.
struct LookedUpInput {
  private let product: Tensor
  private let storage: Storage
  let rows: Rows<Float>
  /// [step][row]; 0 where a row has ended or not begun.
  let places: UnsafePointer<Int32>

  init(_ product: Tensor, _ ids: Tensor, _ layout: SequenceLayout) {
    let count = layout.steps * layout.batch
    let storage = Storage(byteCount: max(count, 1) * MemoryLayout<Int32>.stride)
    let places = storage.pointer.assumingMemoryBound(to: Int32.self)
    places.update(repeating: 0, count: count)
    ids.withPointer(of: Int32.self) { ids in
      for row in 0..<layout.batch {
        let first = layout.firstBlock(row)
        for step in first..<(first + layout.lengths[row]) {
          places[step * layout.batch + row] = ids[layout.place(row, layout.time(step))]
        }
      }
    }
    (self.product, self.storage, self.places) = (product, storage, UnsafePointer(places))
    rows = DirectionRun<Float>.rows(product)
  }
}
