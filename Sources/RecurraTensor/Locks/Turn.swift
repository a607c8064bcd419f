internal import Synchronization

/// Lets one thread at a time do something long, such as drawing weights, without a lock that a fork would have to wait
/// for.
@usableFromInline package struct Turn: ~Copyable, Sendable {
  /// 0 while nobody has it, else the generation of the process that took it.
  private let holder = Atomic<Int>(0)

  /// Nobody has it yet.
  package init() {}

  /// Calls `body` when no other thread is in one.
  ///
  /// `wasLost` tells that the process forked while another thread was in one: what it was about to do is not done in
  /// this process, or by halves.
  @inlinable
  package borrowing func take<Result, Failure: Error>(
    _ body: (_ wasLost: Bool) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let wasLost = begin()
    defer { end() }
    return try body(wasLost)
  }

  @usableFromInline
  borrowing func end() { holder.store(0, ordering: .releasing) }

  @usableFromInline
  borrowing func begin() -> Bool {
    let generation = ForkGuard.shared.generation
    var expected = 0
    while true {
      let (isMine, found) = holder.compareExchange(
        expected: expected, desired: generation, successOrdering: .acquiring, failureOrdering: .relaxed)
      if isMine { return expected != 0 }
      if found == generation { Backoff.wait { holder.load(ordering: .relaxed) != generation } }
      // Whoever took it before a fork is not in this process.
      expected = found == generation ? 0 : found
    }
  }
}

/// A value that is made once, by the thread that needs it first; the others wait for it.
@usableFromInline package struct Once<Value: Sendable>: ~Copyable, Sendable {
  @usableFromInline let made = Guarded<Value?>(nil)
  @usableFromInline let turn = Turn()

  /// Nothing is made yet.
  package init() {}

  /// What was made, if anything was.
  @inlinable package var value: Value? { made.withLock { $0 } }

  /// Makes the value with `body` unless that has been done, and returns it. Where `body` fails, the next thread tries.
  @inlinable package borrowing func make<Failure: Error>(_ body: () throws(Failure) -> Value) throws(Failure) -> Value {
    if let value { return value }
    return try turn.take { (_) throws(Failure) -> Value in
      if let value { return value }
      let value = try body()
      made.withLock { $0 = value }
      return value
    }
  }
}
