internal import CRecurraBLAS
internal import Glibc
internal import Synchronization

extension BLAS {
  /// Takes the threads out of OpenBLAS, once: before anything is asked of it, LAPACK included, and before the engine's
  /// own workers start. Not a lazy global, because the compiler leaves out those whose value nobody reads.
  package static func takeOver() {
    if hasTakenOver.load(ordering: .acquiring) { return }
    do throws(RecurraError) { try prepare() } catch { stop(error.operation, expected: error.expected, got: error.got) }
  }

  /// The same, for whoever can say that it failed.
  ///
  /// OpenBLAS' workers start before `main`. Where they find no address space for their buffers they ask for it again
  /// and again, and can neither work nor be ended.
  ///
  /// - Throws: `outOfMemory` where there is no address space for a single product.
  package static func prepare() throws(RecurraError) {
    if hasTakenOver.load(ordering: .acquiring) { return }
    try takingOver.take { (_) throws(RecurraError) in
      if hasTakenOver.load(ordering: .relaxed) { return }
      try ForkGuard.shared.products.run { () throws(RecurraError) in try endThreads() }
      hasTakenOver.store(true, ordering: .releasing)
    }
  }

  /// Bytes of address space that OpenBLAS asks for for every product at the same time, on x86-64; less elsewhere.
  private static let bufferBytes = 128 << 20

  private static let hasTakenOver = Atomic(false)
  private static let workers = Atomic(Workers.untouched)
  private static let takingOver = Turn()
  private static let makingRoom = Turn()
  /// Products at the same time that have buffers.
  private static let room = Atomic(0)

  private static func endThreads() throws(RecurraError) {
    // Once: asked again for one thread, OpenBLAS would start its workers anew.
    if workers.load(ordering: .relaxed) == .untouched { workers.store(endWorkers(), ordering: .relaxed) }
    guard makeRoom(1) else {
      let remedy =
        workers.load(ordering: .relaxed) == .left ? ", or set OPENBLAS_NUM_THREADS=1 in the environment" : ""
      throw RecurraError(
        .outOfMemory, operation: "OpenBLAS", expected: "128 MiB of address space for a product",
        got: "none: raise the limit (ulimit -v)\(remedy)")
    }
  }

  /// Ends OpenBLAS' workers where they can be waited for: not where the system gave it fewer than it wanted, and not
  /// where one still asks for memory.
  private static func endWorkers() -> Workers {
    let count = Int(openblas_get_num_threads()) - 1
    withoutOwnInterrupt { openblas_set_num_threads(1) }
    guard count > 0 else { return .ended }
    let others = ThreadStates()
    guard others.count >= count, hasAddressSpace(count) || others.comeToRest(within: 2_000_000) else {
      recurra_blas_leave_workers()
      return .left
    }
    recurra_blas_end_workers()
    room.store(count, ordering: .relaxed)
    return .ended
  }

  /// What has become of OpenBLAS' workers.
  private enum Workers: Int, AtomicRepresentable {
    case untouched, ended
    /// They run on, and nobody waits for them.
    case left
  }

  /// Takes over early where address space is limited, so that the process can end: OpenBLAS would wait for its workers
  /// then, too.
  package static func prepareWhereAddressesAreLimited() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0, limit.rlim_cur != rlim_t.max else { return }
    do { try prepare() } catch {
      // Whoever computes will hear of it.
    }
  }

  /// Calls OpenBLAS, or LAPACK that stands on it, after `takeOver`: when there is a buffer for one more call, for
  /// without one OpenBLAS asks for memory for ever.
  @inline(__always)
  static func call<Result>(_ body: @autoclosure () -> Result) -> Result {
    let products = ForkGuard.shared.products
    let count = products.enter()
    if count > room.load(ordering: .relaxed) { awaitRoom(count) }
    defer { products.leave() }
    return body()
  }

  /// Makes room for so many calls, of which this is one, or waits until others have ended theirs.
  @inline(never)
  private static func awaitRoom(_ first: Int) {
    let products = ForkGuard.shared.products
    var count = first
    while !makeRoom(count) {
      products.leave()
      Backoff.wait { products.count < room.load(ordering: .relaxed) }
      count = products.enter()
    }
  }

  /// Makes room for so many calls; returns false where there is no address space for it.
  private static func makeRoom(_ count: Int) -> Bool {
    makingRoom.take { _ in
      let missing = count - room.load(ordering: .relaxed)
      if missing <= 0 { return true }
      guard hasAddressSpace(missing) else { return false }
      recurra_blas_map_buffers(Int32(missing))
      room.store(count, ordering: .relaxed)
      return true
    }
  }

  private static func hasAddressSpace(_ buffers: Int) -> Bool { AddressSpace.isFree(buffers * bufferBytes) }

  /// Runs `body` without the SIGINT that OpenBLAS sends its own process where it is given no thread: with one it lacks
  /// nothing.
  private static func withoutOwnInterrupt(_ body: () -> Void) {
    var (interrupt, former) = (sigset_t(), sigset_t())
    sigemptyset(&interrupt)
    sigaddset(&interrupt, SIGINT)
    pthread_sigmask(SIG_BLOCK, &interrupt, &former)
    body()
    var (pending, info) = (sigset_t(), siginfo_t())
    sigpending(&pending)
    // Somebody else's is put back, and arrives as soon as it is let through.
    if sigismember(&pending, SIGINT) == 1, sigwaitinfo(&interrupt, &info) == SIGINT,
      info._sifields._kill.si_pid != getpid()
    {
      raise(SIGINT)
    }
    pthread_sigmask(SIG_SETMASK, &former, nil)
  }
}
