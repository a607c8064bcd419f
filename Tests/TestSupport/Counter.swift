internal import Synchronization

/// A number that several threads may count up.
package final class Counter: Sendable {
  private let count = Atomic<Int>(0)

  /// Starts at 0.
  package init() {}

  /// The number.
  package var value: Int { count.load(ordering: .acquiring) }
  /// Adds 1.
  package func increment() { add(1) }
  /// Adds an amount.
  package func add(_ amount: Int) { count.add(amount, ordering: .acquiringAndReleasing) }
}
