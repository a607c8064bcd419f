package import RecurraTensor

/// What goes into a layer: a tensor, or rows of a table, which are copied side by side only where that is needed.
package enum InputSource: Sendable {
  case tensor(Tensor)
  case lookup(TableLookup)

  /// The extents of the tensor, or of what it would be.
  package var shape: [Int] {
    switch self {
    case .tensor(let tensor): tensor.shape
    case .lookup(let lookup): lookup.ids.shape + lookup.table.shape.dropFirst()
    }
  }

  /// The type of its elements.
  package var dtype: DType {
    switch self {
    case .tensor(let tensor): tensor.dtype
    case .lookup(let lookup): lookup.table.dtype
    }
  }

  /// Where it was looked up, if anywhere.
  package var lookup: TableLookup? {
    guard case .lookup(let lookup) = self else { return nil }
    return lookup
  }

  /// The tensor; rows of a table are copied for it, the first time.
  package var tensor: Tensor {
    switch self {
    case .tensor(let tensor): tensor
    case .lookup(let lookup): lookup.vectors
    }
  }

  /// The timesteps numbered `places` among those of all rows, each at most once but for padding. They stay where they
  /// lie: a recurrent layer lays its input down anyway.
  ///
  /// - Shapes: this input [B, T, I]; `places` int32 [B, N]; result [B, N, I].
  package func rearranged(_ places: Tensor) -> InputSource {
    switch self {
    case .tensor(let tensor):
      return .lookup(
        TableLookup(
          table: tensor.reshaped([shape[0] * shape[1], shape[2]]), ids: places, owner: nil, version: 0, isShortcut: true
        ))
    case .lookup(let lookup): return .lookup(lookup.rearranged(places))
    }
  }

  /// Some timesteps of all rows, dense.
  func timesteps(_ range: Range<Int>) -> InputSource {
    switch self {
    case .tensor(let tensor): .tensor(tensor.sliced(range, axis: 1).contiguous)
    case .lookup(let lookup): .lookup(lookup.timesteps(range))
    }
  }

  /// What gradients are asked with respect to: the tensor, or the table.
  var leaf: Tensor {
    switch self {
    case .tensor(let tensor): tensor
    case .lookup(let lookup): lookup.table
    }
  }

  /// The same as the start of a history.
  var tracked: InputSource {
    switch self {
    case .tensor(let tensor): .tensor(tensor.tracked)
    case .lookup(let lookup): .lookup(lookup.tracked)
    }
  }

  var isTracked: Bool {
    switch self {
    case .tensor(let tensor): tensor.isTracked
    case .lookup(let lookup): lookup.table.isTracked
    }
  }

  /// The same without a history, dense.
  var detached: InputSource {
    switch self {
    case .tensor(let tensor): .tensor(tensor.detached.contiguous)
    case .lookup(let lookup): .lookup(lookup.detached)
    }
  }
}

/// Says that an input consists of rows of a table, an embedding's: they are read where they lie, and their product with
/// the weights need be computed but once for each row of the table.
package struct TableLookup: Sendable {
  /// The rows once they have been copied.
  private final class Vectors: Sendable {
    let tensor = Once<Tensor>()
  }

  /// The table, [N, I], dense.
  let table: Tensor
  /// The row that each timestep's input is, int32 [B, T], dense, all in 0..<N.
  let ids: Tensor
  /// What the table belongs to, and how many changes that has seen: both alike mean the same numbers. nil for a table
  /// of one call, of which no row is worth a product of its own.
  let owner: (any AnyObject & Sendable)?
  let version: Int
  /// Whether the vectors that were found need no gradients of their own, so that they may go straight to
  /// the table.
  let isShortcut: Bool
  private let copied = Vectors()

  /// Puts a lookup together.
  package init(table: Tensor, ids: Tensor, owner: (any AnyObject & Sendable)?, version: Int, isShortcut: Bool) {
    (self.table, self.ids) = (table.contiguous, ids.contiguous)
    (self.owner, self.version, self.isShortcut) = (owner, version, isShortcut)
  }

  /// The rows side by side, [B, T, I].
  var vectors: Tensor { copied.tensor.make { table.gathered(ids) } }

  fileprivate func rearranged(_ places: Tensor) -> TableLookup {
    TableLookup(
      table: table, ids: ids.reshaped([ids.count]).gathered(places), owner: owner, version: version,
      isShortcut: isShortcut)
  }

  fileprivate func timesteps(_ range: Range<Int>) -> TableLookup {
    TableLookup(
      table: table, ids: ids.sliced(range, axis: 1), owner: owner, version: version, isShortcut: isShortcut)
  }

  fileprivate var tracked: TableLookup {
    TableLookup(table: table.tracked, ids: ids, owner: owner, version: version, isShortcut: isShortcut)
  }

  var detached: TableLookup {
    guard table.isTracked else { return self }
    return TableLookup(table: table.detached, ids: ids, owner: owner, version: version, isShortcut: isShortcut)
  }
}
