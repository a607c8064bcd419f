package import CRecurraKernels

/// A row that the members of a gang make together, turn after turn, each a part of its own.
///
/// Kernels hand the parts over and say how they cross from cache to cache (recurra_rows.h); here lie their memory, the
/// patience of those who wait, and the decision to part.
package final class RowExchange: @unchecked Sendable {
  private let storage: Storage
  /// A page for all, with the last turn, and then pages for each member, because processors fetch ahead, but not beyond
  /// a page, what others are about to write: two rows, two of c, the lines of two turns, and where the parts begin.
  private let layout: RecurraRowMember

  private static let pageBytes = 4_096

  /// Makes room for so many members and rows of so many floats, of unknown content.
  package init(members: Int, count: Int) {
    var layout = RecurraRowMember()
    recurra_row_lay_out(&layout, count, (members + 1) * MemoryLayout<Int>.stride, Self.pageBytes)
    storage = Storage(byteCount: 2 * Self.pageBytes + members * layout.memberBytes)
    let memory = storage.pointer
    let first = memory + (Self.pageBytes - Int(bitPattern: memory) % Self.pageBytes) % Self.pageBytes
    layout.lastTurn = first.bindMemory(to: Int32.self, capacity: 1)
    layout.lastTurn?.initialize(to: 0)
    layout.base = (first + Self.pageBytes).assumingMemoryBound(to: CChar.self)
    for rank in 0..<members { recurra_row_clear(&layout, rank) }
    self.layout = layout
  }

  /// What kernels know of a member, but for how to wait.
  fileprivate func member(_ rank: Int, bounds: [Int]) -> RecurraRowMember {
    var member = layout
    let parts = recurra_row_room(&member, rank).bindMemory(to: Int.self, capacity: bounds.count)
    parts.update(from: bounds, count: bounds.count)
    (member.rank, member.members, member.parts) = (rank, bounds.count - 1, UnsafePointer(parts))
    return member
  }

  /// One that makes a part of the row.
  package final class Member {
    /// Keeps the memory alive.
    private let exchange: RowExchange
    private let handle: UnsafeMutablePointer<RecurraRowMember>
    private var delay = Delay(begin: Threads.nanoseconds())

    /// Makes the member of a rank.
    ///
    /// - Parameter bounds: where each member's part begins, and the end of the row. No part may be empty: members learn
    ///   from each other's that they go on.
    package init(_ exchange: RowExchange, _ rank: Int, bounds: [Int]) {
      self.exchange = exchange
      handle = .allocate(capacity: 1)
      handle.initialize(to: exchange.member(rank, bounds: bounds))
      handle.pointee.waiter = Unmanaged.passUnretained(self).toOpaque()
      handle.pointee.await = { waiter, place, turn in
        guard let waiter else { return }
        Unmanaged<Member>.fromOpaque(waiter).takeUnretainedValue().await(place, turn)
      }
    }

    deinit { handle.deallocate() }

    /// What kernels hand over by; lives as long as the member.
    package var pointer: UnsafePointer<RecurraRowMember> { UnsafePointer(handle) }

    /// Waits until a turn is at a place.
    ///
    /// Where rank 0 has been held up for half of the time, the turn that is under way becomes the last, after which the
    /// members part. It then waits for the rest once more, and goes on alone.
    private func await(_ place: UnsafePointer<Int32>, _ turn: Int32) {
      let late = Patience.wait { recurra_row_is_there(place, turn) != 0 }
      guard handle.pointee.rank == 0, late > 0 else { return }
      delay.heldUp += late
      if delay.isTooLong() { recurra_row_part(handle, turn + 1) }
    }
  }
}
