/// About what it costs a team to share a step's units.
///
/// A pair pays a barrier, and as much again for each row of h on its way from cache to cache. In inference a single row
/// is handed over while the product is under way, and pays less than one barrier. Training pays twice, for the way
/// back: a single row gains from 110 (LSTM) to 130 units (GRU) on, with barriers of 240 ns (Emerald Rapids).
package struct TeamCost {
  /// Of two threads, in nanoseconds.
  private let pair: Int
  /// That four more add: each has a line of its own that all wait for, and no more of h is read. Fits a row of 100 to
  /// 512 units on 2 to 16 threads (Emerald Rapids).
  private let fourMore: Int

  /// For what a barrier of two threads costs at the moment, in nanoseconds.
  package init(barrier: Int, rows: Int, isTraining: Bool = false) {
    func ofPair(_ rows: Int) -> Int {
      if isTraining { return 2 * barrier * (rows + 1) }
      return rows == 1 ? barrier : barrier * (rows + 1)
    }
    (pair, fourMore) = (ofPair(rows), ofPair(1))
  }

  /// Nanoseconds for so many threads.
  package func of(_ ranks: Int) -> Int { pair + (ranks - 2) * fourMore / 4 }

  /// The number of threads, up to `most`, that get done first with work that takes one so many nanoseconds, cut into
  /// panels. Not always all: of 16, for a row of 100 units, 5 to 7 do, and 16 take longer than one.
  package func ranks(_ most: Int, work: Int, panels: Int) -> Int {
    func lasts(_ count: Int) -> Int { (panels + count - 1) / count * work / panels + of(count) }
    return most < 2 ? 1 : (2...most).reduce(2) { lasts($1) < lasts($0) ? $1 : $0 }
  }
}
