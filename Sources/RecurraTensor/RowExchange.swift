internal import Synchronization

/// A row that the members of a gang make together, turn after turn, each a part of its own.
///
/// What a member has made travels along with the news that it is there: a line of memory carries fifteen floats and the turn they belong
/// to, and crosses from cache to cache once, where a flag and then the floats it stands for would cross one after the other. Each
/// member keeps a whole row, so nobody reads what others write but their lines.
package final class RowExchange: @unchecked Sendable {
  private let storage: Storage
  fileprivate let places: Places

  /// Makes room for so many members and rows of so many floats, of unknown content.
  package init(members: Int, count: Int) {
    storage = Storage(byteCount: Places.byteCount(members: members, count: count))
    places = Places(in: storage.pointer, count: count)
    places.lastTurn.initialize(to: Atomic(0))
    for rank in 0..<members {
      for turn in 0...1 {
        for line in 0..<Line.needed(count) { places.line(rank, turn, line).turn.initialize(to: Atomic(0)) }
      }
    }
  }

  /// One that makes a part of the row; an object of its own, because each reference to what all share would be counted where all write.
  package final class Member {
    private let exchange: RowExchange
    private let places: Places
    /// What each member makes, by rank, in ascending order.
    private let parts: [Range<Int>]
    private let rank: Int
    private var delay = Delay(begin: Streams.nanoseconds())

    /// Makes the member of a rank. No part may be empty: members learn from each other's that they go on.
    package init(_ exchange: RowExchange, _ rank: Int, parts: [Range<Int>]) {
      (self.exchange, self.rank, self.parts, places) = (exchange, rank, parts, exchange.places)
    }

    /// Floats of a row that are there when a turn begins: what the members up to this one have made.
    package var ready: Int { parts[rank].upperBound }

    /// This member's own row of a turn, which lasts until the turn after the next is made.
    package func row(_ turn: Int) -> UnsafeMutablePointer<Float> { places.row(rank, turn) }

    /// Gives others the part that this member has made, and waits for those of the members before it. Tells whether they go on together:
    /// all get the same answer.
    ///
    /// They part where rank 0 has been held up for half of the time; it then waits for the rest once more, and goes on alone.
    package func handOver(_ turn: Int) -> Bool {
      let parts = rank == 0 && delay.isTooLong()
      if parts { places.lastTurn.pointee.store(turn, ordering: .relaxed) }
      give(turn)
      if rank == 0 { return !parts }
      take(from: 0..<rank, turn)
      return places.lastTurn.pointee.load(ordering: .relaxed) != turn
    }

    /// Waits for the parts of the members behind this one.
    package func awaitRest(_ turn: Int) { take(from: (rank + 1)..<parts.count, turn) }

    private func give(_ turn: Int) {
      let part = parts[rank]
      let row = row(turn)
      for (index, unit) in stride(from: part.lowerBound, to: part.upperBound, by: Line.floatCount).enumerated() {
        let line = places.line(rank, turn, index)
        copy(row + unit, to: line.floats, part.upperBound - unit)
        line.turn.pointee.store(Int32(truncatingIfNeeded: turn), ordering: .releasing)
      }
    }

    private func take(from others: Range<Int>, _ turn: Int) {
      let row = row(turn)
      for other in others {
        let part = parts[other]
        for (index, unit) in stride(from: part.lowerBound, to: part.upperBound, by: Line.floatCount).enumerated() {
          let line = places.line(other, turn, index)
          let late = Patience.wait { line.turn.pointee.load(ordering: .acquiring) == turn }
          if rank == 0, late > 0 { delay.heldUp += late }
          copy(line.floats, to: row + unit, part.upperBound - unit)
        }
      }
    }

    /// Copies what a line carries of the `rest` of a part; not a float more, for what comes behind it is another's.
    @inline(__always)
    private func copy(_ from: UnsafePointer<Float>, to: UnsafeMutablePointer<Float>, _ rest: Int) {
      if rest >= Line.floatCount {
        to.update(from: from, count: Line.floatCount)
      } else {
        for index in 0..<rest { to[index] = from[index] }
      }
    }
  }
}

/// A line that is given: floats, and the turn they belong to.
private struct Line {
  static let byteCount = 64
  static let floatCount = 15

  let address: UnsafeMutableRawPointer

  /// Lines for so many floats.
  static func needed(_ count: Int) -> Int { (count + floatCount - 1) / floatCount }

  var floats: UnsafeMutablePointer<Float> { address.assumingMemoryBound(to: Float.self) }
  var turn: UnsafeMutablePointer<Atomic<Int32>> {
    (address + Self.floatCount * MemoryLayout<Float>.stride).assumingMemoryBound(to: Atomic<Int32>.self)
  }
}

/// Where the rows and lines of an exchange lie: a page for all, then pages for each member, because processors fetch ahead, but not beyond
/// a page, what others are about to write. Rows and lines of two turns take turns.
private struct Places {
  let lastTurn: UnsafeMutablePointer<Atomic<Int>>
  private let base: UnsafeMutableRawPointer
  private let rowBytes, givenBytes, memberBytes: Int

  private static let pageBytes = 4_096

  init(in memory: UnsafeMutableRawPointer, count: Int) {
    let first = memory + (Self.pageBytes - Int(bitPattern: memory) % Self.pageBytes) % Self.pageBytes
    lastTurn = first.assumingMemoryBound(to: Atomic<Int>.self)
    base = first + Self.pageBytes
    (rowBytes, givenBytes, memberBytes) = Self.sizes(count)
  }

  static func byteCount(members: Int, count: Int) -> Int { 2 * pageBytes + members * sizes(count).member }

  private static func sizes(_ count: Int) -> (row: Int, given: Int, member: Int) {
    let given = Line.needed(count) * Line.byteCount
    let row = (count * MemoryLayout<Float>.stride + Line.byteCount - 1) / Line.byteCount * Line.byteCount
    return (row, given, (2 * (row + given) + pageBytes - 1) / pageBytes * pageBytes)
  }

  @inline(__always)
  func row(_ rank: Int, _ turn: Int) -> UnsafeMutablePointer<Float> {
    (base + rank * memberBytes + (turn & 1) * rowBytes).assumingMemoryBound(to: Float.self)
  }

  @inline(__always)
  func line(_ rank: Int, _ turn: Int, _ index: Int) -> Line {
    Line(address: base + rank * memberBytes + 2 * rowBytes + (turn & 1) * givenBytes + index * Line.byteCount)
  }
}
