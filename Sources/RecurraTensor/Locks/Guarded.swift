/// A value that one thread at a time reads or changes, for a moment.
///
/// In place of Swift's `Mutex`, which the child of a fork cannot use: it knows its threads by numbers that are others
/// in the child. What is done under the lock must be short and must not need another one; in particular what is let go
/// there may own nothing but tensors.
@usableFromInline package struct Guarded<Value: Sendable>: ~Copyable, @unchecked Sendable {
  @usableFromInline let value: UnsafeMutablePointer<Value>
  @usableFromInline let lock: Lock

  /// Puts a value behind a lock.
  package init(_ value: Value) {
    self.value = .allocate(capacity: 1)
    self.value.initialize(to: value)
    lock = ForkGuard.shared.lock(for: self.value)
  }

  /// The same behind the storage pool's lock, under which everything else may be let go.
  init(ofPool value: Value) {
    self.value = .allocate(capacity: 1)
    self.value.initialize(to: value)
    lock = ForkGuard.shared.lockOfPool
  }

  deinit {
    value.deinitialize(count: 1)
    value.deallocate()
  }

  /// Calls `body` with the value, while no other thread has it.
  @inlinable @inline(__always)
  package borrowing func withLock<Result, Failure: Error>(
    _ body: (inout Value) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    lock.acquire()
    defer { lock.release() }
    return try body(&value.pointee)
  }

  /// Puts another value in place of the one that is returned, and let go by the caller.
  package borrowing func exchange(_ other: consuming Value) -> Value {
    lock.acquire()
    defer { lock.release() }
    swap(&value.pointee, &other)
    return other
  }
}
