internal import Synchronization

/// A kind of work that `fork` waits for: any number of threads may be in it, and none while the process forks.
///
/// Not for work within work of the same kind: a fork that waits for the outer one would keep the inner one out.
package final class ForkSection: Sendable {
  /// Changes of weights in place.
  package static var updates: ForkSection { ForkGuard.shared.updates }

  private let inside = Atomic<Int>(0)
  private let isClosed = Atomic<Bool>(false)

  /// Does something that no fork interrupts.
  @inline(__always)
  package func run<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
    enter()
    defer { leave() }
    return try body()
  }

  /// The number of threads inside, or about to be.
  var count: Int { inside.load(ordering: .relaxed) }

  /// Takes the calling thread in, and returns how many are inside then.
  @discardableResult
  func enter() -> Int {
    while true {
      let count = inside.add(1, ordering: .sequentiallyConsistent).newValue
      // Either this thread sees that the section is closed, or the one that closes it sees this one inside.
      if !isClosed.load(ordering: .sequentiallyConsistent) { return count }
      leave()
      Backoff.wait { !isClosed.load(ordering: .relaxed) }
    }
  }

  /// Lets the calling thread out.
  func leave() { inside.subtract(1, ordering: .releasing) }

  /// Keeps further threads out, and waits until nobody is inside.
  func close() {
    isClosed.store(true, ordering: .sequentiallyConsistent)
    Backoff.wait { inside.load(ordering: .sequentiallyConsistent) == 0 }
  }

  /// Lets threads in again. In the child there are none that were about to see that it was closed.
  func open(isChild: Bool) {
    if isChild { inside.store(0, ordering: .relaxed) }
    isClosed.store(false, ordering: .releasing)
  }
}
