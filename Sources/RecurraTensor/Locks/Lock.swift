public import Synchronization

/// A lock that is held for a moment: whoever finds it taken looks again.
@usableFromInline struct Lock: @unchecked Sendable {
  @usableFromInline let isTaken: UnsafeMutablePointer<Atomic<Bool>>

  @inlinable @inline(__always)
  func acquire() {
    if isTaken.pointee.exchange(true, ordering: .acquiring) { awaitTurn() }
  }

  @usableFromInline
  func awaitTurn() {
    Backoff.wait {
      !isTaken.pointee.load(ordering: .relaxed) && !isTaken.pointee.exchange(true, ordering: .acquiring)
    }
  }

  @inlinable @inline(__always)
  func release() { isTaken.pointee.store(false, ordering: .releasing) }

  /// Makes locks that stay where they are, each on a pair of cache lines of its own, and are never destroyed.
  static func make(_ count: Int) -> [Lock] {
    let spacing = 128
    let memory = UnsafeMutableRawPointer.allocate(byteCount: count * spacing, alignment: spacing)
    return (0..<count).map { index in
      let isTaken = (memory + index * spacing).bindMemory(to: Atomic<Bool>.self, capacity: 1)
      isTaken.initialize(to: Atomic(false))
      return Lock(isTaken: isTaken)
    }
  }
}
