internal import Synchronization

/// A kind of work that `fork` waits for: any number of threads may be in it, and none while the process forks.
///
/// Not for work within work of the same kind: a fork that waits for the outer one would keep the inner one out.
@usableFromInline package final class ForkSection: Sendable {
  /// Changes of weights in place.
  package static var updates: ForkSection { ForkGuard.shared.updates }

  /// The threads inside, and very many more while the section is closed.
  private let inside = Atomic<Int>(0)
  private static let closed = 1 << 32

  /// Does something that no fork interrupts.
  @inlinable @inline(__always)
  package func run<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
    enter()
    defer { leave() }
    return try body()
  }

  /// The number of threads inside, or about to be.
  var count: Int { inside.load(ordering: .relaxed) % Self.closed }

  /// Takes the calling thread in, and returns how many are inside then.
  @discardableResult
  @usableFromInline
  func enter() -> Int {
    let count = inside.add(1, ordering: .acquiring).newValue
    return count < Self.closed ? count : enterOnceOpen()
  }

  @inline(never)
  private func enterOnceOpen() -> Int {
    while true {
      leave()
      Backoff.wait { inside.load(ordering: .relaxed) < Self.closed }
      let count = inside.add(1, ordering: .acquiring).newValue
      if count < Self.closed { return count }
    }
  }

  /// Lets the calling thread out.
  @usableFromInline
  func leave() { inside.subtract(1, ordering: .releasing) }

  /// Keeps further threads out, and waits until nobody is inside.
  func close() {
    inside.add(Self.closed, ordering: .relaxed)
    Backoff.wait { inside.load(ordering: .acquiring) == Self.closed }
  }

  /// Lets threads in again. In the child there are none that were about to see that it was closed.
  func open(isChild: Bool) {
    if isChild {
      inside.store(0, ordering: .relaxed)
    } else {
      inside.subtract(Self.closed, ordering: .releasing)
    }
  }
}
