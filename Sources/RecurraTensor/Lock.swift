internal import Synchronization

/// A lock that is held for a moment: whoever finds it taken looks again.
struct Lock: @unchecked Sendable {
  private let isTaken: UnsafeMutablePointer<Atomic<Bool>>

  @inline(__always)
  func acquire() {
    if !isTaken.pointee.exchange(true, ordering: .acquiring) { return }
    Backoff.wait {
      !isTaken.pointee.load(ordering: .relaxed) && !isTaken.pointee.exchange(true, ordering: .acquiring)
    }
  }

  @inline(__always)
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
