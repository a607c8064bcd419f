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
  /// - Throws: where OpenBLAS' workers, which start before `main`, find no address space for their buffers: they ask
  ///   for it again and again, and can neither work nor be ended; or where there is none for a single product.
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
  private static let takingOver = Turn()
  private static let makingRoom = Turn()
  /// Products at the same time that have buffers.
  private static let room = Atomic(0)

  private static func endThreads() throws(RecurraError) {
    let workers = Int(openblas_get_num_threads()) - 1
    withoutOwnInterrupt { openblas_set_num_threads(1) }
    // Where the system gave it fewer threads than it wanted, it would wait for some that do not exist.
    if workers > 0, threadsOfProcess > workers {
      try endWorkers(workers)
      room.store(workers, ordering: .relaxed)
    }
    guard makeRoom(1) else { throw missing("for a product", "raise the limit (ulimit -v)") }
  }

  /// Waits for OpenBLAS' workers to end; from another thread, which may be left waiting, where they may be without
  /// memory.
  private static func endWorkers(_ workers: Int) throws(RecurraError) {
    let isOver = Flag()
    guard !hasAddressSpace(workers), let thread = startEnding(isOver) else { return recurra_blas_end_workers() }
    pthread_detach(thread)
    var failures = 0
    while !isOver.isSet {
      usleep(failures == 0 ? 1_000 : 50_000)
      failures = hasAddressSpace(1) ? 0 : failures + 1
      guard failures < 40 else {
        recurra_blas_leave_workers()
        throw missing(
          "for each of its threads", "set OPENBLAS_NUM_THREADS=1 in the environment, or raise the limit (ulimit -v)")
      }
    }
  }

  private static func startEnding(_ isOver: Flag) -> pthread_t? {
    var (thread, attributes) = (pthread_t(), pthread_attr_t())
    pthread_attr_init(&attributes)
    pthread_attr_setstacksize(&attributes, 1 << 17)
    defer { pthread_attr_destroy(&attributes) }
    let argument = Unmanaged.passRetained(isOver)
    let status = pthread_create(
      &thread, &attributes,
      { argument in
        recurra_blas_end_workers()
        if let argument { Unmanaged<Flag>.fromOpaque(argument).takeRetainedValue().set() }
        return nil
      }, argument.toOpaque())
    if status == 0 { return thread }
    argument.release()
    return nil
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

  private static func hasAddressSpace(_ buffers: Int) -> Bool {
    let size = buffers * bufferBytes
    let memory = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let memory, memory != MAP_FAILED else { return false }
    munmap(memory, size)
    return true
  }

  /// Runs `body` without the SIGINT that OpenBLAS sends its own process where it is given no thread: with one it lacks nothing.
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

  private static func missing(_ purpose: String, _ remedy: String) -> RecurraError {
    RecurraError(
      .outOfMemory, operation: "OpenBLAS", expected: "128 MiB of address space \(purpose)", got: "none: \(remedy)")
  }

  /// The threads of this process, or as many as there can be where the system does not tell.
  private static var threadsOfProcess: Int {
    guard let folder = opendir("/proc/self/task") else { return .max }
    defer { closedir(folder) }
    var count = 0
    while let entry = readdir(folder) { if entry.pointee.d_name.0 != CChar(UInt8(ascii: ".")) { count += 1 } }
    return count
  }
}

/// Is set once, by another thread.
private final class Flag: Sendable {
  private let value = Atomic(false)
  var isSet: Bool { value.load(ordering: .acquiring) }
  func set() { value.store(true, ordering: .releasing) }
}
