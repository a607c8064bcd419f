package import CRecurraKernels
import RecurraTensor
internal import Synchronization

/// A row that the ranks of a team make together, turn after turn, each a part of its own: an all-gather in every step.
///
/// Kernels hand the parts over in lines that carry the number of their turn, as NCCL's LL128 protocol does
/// (recurra_rows.h); here lie the memory, the waiting, and the decision to part.
package final class RowGather {
  private let storage: Storage
  /// A page for all, with the last turn, and then pages for each rank, because processors fetch ahead, but not beyond a
  /// page, what others are about to write: two rows, two of c, the lines of two turns, and where the parts begin.
  private let layout: RecurraRowMember
  /// Nanoseconds beyond spinning after which a part comes late.
  private let lateAfter: Int

  private static let pageBytes = 4_096

  /// Makes room for so many ranks and rows of so many floats, of unknown content.
  package init(ranks: Int, count: Int, lateAfter: Int = 0) {
    var layout = RecurraRowMember()
    recurra_row_lay_out(&layout, count, (ranks + 1) * MemoryLayout<Int>.stride, Self.pageBytes)
    storage = Storage(byteCount: 2 * Self.pageBytes + ranks * layout.memberBytes)
    let memory = storage.pointer
    let first = memory + (Self.pageBytes - Int(bitPattern: memory) % Self.pageBytes) % Self.pageBytes
    layout.lastTurn = first.bindMemory(to: Int32.self, capacity: 1)
    layout.lastTurn?.initialize(to: 0)
    layout.base = (first + Self.pageBytes).assumingMemoryBound(to: CChar.self)
    for rank in 0..<ranks { recurra_row_clear(&layout, rank) }
    self.layout = layout
    self.lateAfter = lateAfter
  }

  /// By how many nanoseconds a part came late so that the ranks parted, when all have done; 0 where none did.
  package var lateness: Int { longest.load(ordering: .relaxed) }
  private let longest = Atomic<Int>(0)

  /// What kernels know of a rank, but for how to wait.
  fileprivate func member(_ rank: Int, bounds: [Int]) -> RecurraRowMember {
    var member = layout
    let parts = recurra_row_room(&member, rank).bindMemory(to: Int.self, capacity: bounds.count)
    parts.update(from: bounds, count: bounds.count)
    (member.rank, member.members, member.parts) = (rank, bounds.count - 1, UnsafePointer(parts))
    return member
  }

  /// One that makes a part of the row.
  package final class Rank {
    /// Keeps the memory alive.
    private let gather: RowGather
    private let handle: UnsafeMutablePointer<RecurraRowMember>

    /// Makes a rank.
    ///
    /// - Parameter bounds: where each rank's part begins, and the end of the row. No part may be empty: ranks learn
    ///   from each other's that they go on.
    package init(_ gather: RowGather, _ rank: Int, bounds: [Int]) {
      self.gather = gather
      handle = .allocate(capacity: 1)
      handle.initialize(to: gather.member(rank, bounds: bounds))
      handle.pointee.waiter = Unmanaged.passUnretained(self).toOpaque()
      handle.pointee.await = { waiter, place, turn in
        guard let waiter else { return }
        Unmanaged<Rank>.fromOpaque(waiter).takeUnretainedValue().await(place, turn)
      }
    }

    deinit { handle.deallocate() }

    /// What kernels hand over by; lives as long as the rank.
    package var pointer: UnsafePointer<RecurraRowMember> { UnsafePointer(handle) }

    /// Waits until a turn is at a place. Where it comes late the ranks part after the next turn but one: all need this
    /// rank's part of the next for it, and learn of it so.
    private func await(_ place: UnsafePointer<Int32>, _ turn: Int32) {
      let late = SpinWait.wait { recurra_row_is_there(place, turn) != 0 }
      guard late > gather.lateAfter else { return }
      recurra_row_part(handle, turn + 2)
      gather.longest.max(late, ordering: .relaxed)
    }
  }
}
