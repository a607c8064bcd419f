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

  /// The marks of sequences that a layer made longer or shorter.
  func moved(to count: Int, _ place: (Int) -> Int) -> SequenceResets {
    let moved = marks.map { marks in
      Set(marks.map { max(place($0), 0) }).filter { $0 < count }.sorted()
    }
    return SequenceResets(marks: moved, timesteps: count, state: state)
  }

  /// The marks of rows whose timesteps stand in the opposite order, those of each row up to its length.
  func inOppositeTime(_ lengths: [Int]?) -> SequenceResets {
    let turned = marks.enumerated().map { row, marks in
      let length = lengths?[row] ?? timesteps
      return marks.filter { $0 > 0 && $0 < length }.map { length - $0 }.reversed()
    }
    return SequenceResets(marks: turned.map(Array.init), timesteps: timesteps, state: state)
  }

  /// The marks of both.
  func union(_ other: SequenceResets) -> SequenceResets {
    let marks = zip(marks, other.marks).map { Set($0 + $1).sorted() }
    return SequenceResets(marks: marks, timesteps: timesteps, state: state)
  }
}
