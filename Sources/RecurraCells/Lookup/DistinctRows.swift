import RecurraTensor

/// The rows of a table that a batch looks up, each of them once.
///
/// What a timestep's input becomes, and what comes back to it, goes through the same weights wherever a row turns up:
/// it is multiplied once for every row, not once for every timestep. Going forward to the same bits; going back the
/// gradients of a row's timesteps are added up first, and multiplied then, which rounds otherwise. Which way a batch
/// goes follows from its ids alone, not from threads or time.
struct DistinctRows {
  /// The rows, in the order in which they turn up, int32 [N].
  let ids: Tensor
  /// The place of every timestep's row in that order, int32 [B, T]; 0 at padded timesteps.
  let places: Tensor
  /// The rows themselves, [N, I].
  let vectors: Tensor
  /// The shape of the table.
  let tableShape: [Int]

  /// Finds the rows of a lookup; nil where so few turn up again that putting them together costs more than it saves.
  init?(_ lookup: TableLookup, lengths: [Int]?, pieces: SequencePieces? = nil) {
    let (rows, timesteps) = (lookup.ids.shape[0], lookup.ids.shape[1])
    // At least half of the timesteps must find their row there already: what is saved with fewer, putting together
    // costs again.
    let most = (pieces?.places.count ?? lengths?.reduce(0, +) ?? rows * timesteps) / 2
    var found: [Int32] = []
    found.reserveCapacity(min(most, lookup.table.shape[0]))
    let places = Tensor([rows, timesteps], of: Int32.self) { places in
      places.update(repeating: 0, count: rows * timesteps)
      // One more than each id's place; 0 for those not met so far.
      withUnsafeTemporaryAllocation(of: Int32.self, capacity: lookup.table.shape[0]) { marks in
        marks.initialize(repeating: 0)
        lookup.ids.withPointer(of: Int32.self) { ids in
          func find(_ index: Int) {
            let id = Int(ids[index])
            if marks[id] == 0 {
              found.append(ids[index])
              marks[id] = Int32(found.count)
            }
            places[index] = marks[id] - 1
          }
          if let pieces {
            for place in pieces.places where found.count <= most { find(Int(place)) }
            return
          }
          for row in 0..<rows where found.count <= most {
            for index in (row * timesteps)..<(row * timesteps + (lengths?[row] ?? timesteps)) { find(index) }
          }
        }
      }
    }
    guard !found.isEmpty, found.count <= most else { return nil }
    ids = Tensor(found)
    self.places = places
    vectors = lookup.table.detached.gathered(ids)
    tableShape = lookup.table.shape
  }

  var count: Int { ids.count }
}
