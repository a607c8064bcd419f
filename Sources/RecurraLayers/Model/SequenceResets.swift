/// The timesteps of each row before which the state begins anew.
struct SequenceResets: Sendable, Equatable {
  /// For each row its marked timesteps, in order.
  let marks: [[Int]]
  let timesteps: Int
  let state: SequenceMask.ResetState

  /// The same for some rows, in the order they are named.
  func rows(_ rows: some Sequence<Int>) -> SequenceResets {
    SequenceResets(marks: rows.map { marks[$0] }, timesteps: timesteps, state: state)
  }

  /// The same for the first timesteps of every row.
  func prefix(_ count: Int) -> SequenceResets {
    let count = min(count, timesteps)
    return SequenceResets(marks: marks.map { $0.filter { $0 < count } }, timesteps: count, state: state)
  }

  /// The marks of sequences that were made from these by moving timesteps: one falls where the first timestep stands
  /// that comes from the marked one or from behind it.
  func moved(to count: Int, source: (Int) -> Int) -> SequenceResets {
    let sources = (0..<count).map(source)
    let moved = marks.map { marks in
      var places: [Int] = []
      for mark in marks {
        guard let place = sources.firstIndex(where: { $0 >= mark && $0 < timesteps }), places.last != place else {
          continue
        }
        places.append(place)
      }
      return places
    }
    return SequenceResets(marks: moved, timesteps: count, state: state)
  }

  /// The marks of both.
  func union(_ other: SequenceResets) -> SequenceResets {
    let marks = zip(marks, other.marks).map { Set($0 + $1).sorted() }
    return SequenceResets(marks: marks, timesteps: timesteps, state: state)
  }
}
