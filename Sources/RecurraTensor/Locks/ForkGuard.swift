internal import Glibc
internal import Synchronization

/// Lets a process fork while other threads compute.
///
/// The child of a fork has one thread. Whatever another thread had locked or half written would stay so in the child,
/// so `fork` first waits until no lock of the engine is held and none of its sections is under way, and keeps others
/// out until the child exists. In the child every lock is free, and the pool of worker threads begins anew.
/// `posix_spawn` and `vfork` do not come by here.
final class ForkGuard: Sendable {
  static let shared = ForkGuard()

  /// Changes of weights in place: a child must not see half of one.
  let updates = ForkSection()
  /// Calls of OpenBLAS and LAPACK, which have locks and buffers of their own.
  let products = ForkSection()
  /// The process that this is: 1, and one more in the child of every fork.
  var generation: Int { number.load(ordering: .relaxed) }

  private let number = Atomic<Int>(1)
  /// What every `Guarded` is locked by: few locks for many values, so that a fork can take them all.
  private let locks = Lock.make(64)
  /// Lets one thread at a time fork.
  private let forking = Lock.make(1)[0]

  private init() {
    pthread_atfork(
      { ForkGuard.shared.close() }, { ForkGuard.shared.open(isChild: false) }, { ForkGuard.shared.open(isChild: true) })
  }

  /// The lock of a value that lies somewhere. No two are ever held at the same time, but for the last, the storage
  /// pool's.
  func lock(for address: UnsafeRawPointer) -> Lock {
    // Allocations of one size often lie a multiple of some large power of two apart.
    let line = UInt(bitPattern: address) >> 6
    return locks[Int((line ^ line >> 6 ^ line >> 12) % UInt(locks.count - 1))]
  }

  /// The storage pool's lock: values that are let go under another lock give their memory back.
  var lockOfPool: Lock { locks[locks.count - 1] }

  /// Waits for everything that a child must not find half done, from what needs the most of the others to what needs
  /// nothing.
  private func close() {
    forking.acquire()
    Self.settle()
    updates.close()
    products.close()
    for lock in locks { lock.acquire() }
    ThreadPool.shared.holdForFork()
  }

  private func open(isChild: Bool) {
    if isChild { number.add(1, ordering: .relaxed) }
    ThreadPool.shared.goOnAfterFork(isChild: isChild)
    for lock in locks { lock.release() }
    products.open(isChild: isChild)
    updates.open(isChild: isChild)
    forking.release()
  }

  /// Brings the process-wide values into being that another thread may be about to make: in the child that would never
  /// end.
  private static func settle() {
    _ = Threads.count
    _ = Kernels.table
  }
}
