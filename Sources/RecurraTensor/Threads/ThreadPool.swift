internal import CRecurraKernels
internal import Glibc
internal import Synchronization

/// The worker threads and the loops that are open to them.
///
/// A worker that has just finished spins for some hundred microseconds, because the next operation of a model usually
/// follows at once; then it sleeps until a loop is posted, or a caller wants it awake for the next.
final class ThreadPool: @unchecked Sendable {
  static let shared = ThreadPool()

  /// What is known of a worker thread.
  private struct Worker {
    let thread: pthread_t
    var isAsleep = false
    /// The processor that it may not run on until it is awake, and those that it might before.
    var keptOff: (processor: Int32, allowed: cpu_set_t)?
  }

  /// What a worker has seen of the pool: one that comes while it works must not be missed.
  private struct Seen {
    var generation = 0
    var calls = 0
  }

  private var mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private var condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  // Guarded by the mutex.
  private var loops: [ParallelLoop] = []
  private var workers: [Worker] = []
  private var sleepers = 0
  /// Times that sleepers were woken without a loop.
  private var calls = 0
  /// The processor of the thread that woke sleepers last, and whether one was once found awake there.
  private var callerProcessor: Int32 = -1
  private var isWokenAtCaller = false
  /// Workers that spin.
  private let spinning = Atomic<Int>(0)
  /// Grows with every posted loop; spinning workers watch it without the mutex.
  private let generation = Atomic<Int>(0)

  private init() {
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
    loops.reserveCapacity(64)
  }

  /// Keeps the loops and workers as they are until the process has forked.
  func holdForFork() { pthread_mutex_lock(mutex) }

  /// Goes on in the parent; in the child, which has no workers, begins anew.
  func goOnAfterFork(isChild: Bool) {
    guard isChild else {
      pthread_mutex_unlock(mutex)
      return
    }
    // Threads that do not exist here wait for the parent's.
    mutex = .allocate(capacity: 1)
    condition = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
    (loops, workers, sleepers) = ([], [], 0)
    spinning.store(0, ordering: .relaxed)
    Threads.calls.store(0, ordering: .relaxed)
  }

  /// Opens a loop to the workers; starts as many as the thread count asks for.
  func post(_ loop: ParallelLoop) {
    wake(loop.helpers) {
      loops.append(loop)
      generation.add(1, ordering: .releasing)
    }
  }

  /// Tells whether a worker would take a loop at once.
  var isAwake: Bool { spinning.load(ordering: .relaxed) > 0 }

  /// Wakes some workers, which then spin without a loop.
  func wake(_ count: Int) { wake(count) { calls += 1 } }

  private func wake(_ count: Int, after change: () -> Void) {
    BLAS.takeOver()
    pthread_mutex_lock(mutex)
    while workers.count < Threads.count - 1, let thread = startWorker(workers.count) {
      workers.append(Worker(thread: thread))
    }
    change()
    wakeSleepers(count)
    pthread_mutex_unlock(mutex)
  }

  /// Wakes up to `count` sleepers; the mutex is held.
  ///
  /// Linux may wake a thread where its waker runs, above all in a virtual machine that does not show which cores share
  /// a cache. There it would only take turns with the caller, for milliseconds; so once that was seen, sleepers are
  /// kept off the caller's processor until they are awake.
  private func wakeSleepers(_ count: Int) {
    guard sleepers > 0 else { return }
    callerProcessor = recurra_current_processor()
    for index in workers.indices where isWokenAtCaller && workers[index].isAsleep && workers[index].keptOff == nil {
      var allowed = cpu_set_t()
      if recurra_keep_off(workers[index].thread, callerProcessor, &allowed) != 0 {
        workers[index].keptOff = (callerProcessor, allowed)
      }
    }
    for _ in 0..<min(count, sleepers) { pthread_cond_signal(condition) }
  }

  /// Takes a finished loop off the list.
  func withdraw(_ loop: ParallelLoop) {
    pthread_mutex_lock(mutex)
    loops.removeAll { $0 === loop }
    pthread_mutex_unlock(mutex)
  }

  private func startWorker(_ index: Int) -> pthread_t? {
    var (thread, attributes) = (pthread_t(), pthread_attr_t())
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    pthread_attr_setstacksize(&attributes, Threads.stackBytes)
    let status = pthread_create(
      &thread, &attributes,
      { index in
        ThreadPool.shared.serve(Int(bitPattern: index))
        return nil
      }, UnsafeMutableRawPointer(bitPattern: index))
    return status == 0 ? thread : nil
  }

  private func serve(_ index: Int) {
    recurra_name_worker(Int32(index + 1))
    _ = recurra_fp_enter()
    var seen = Seen()
    while true {
      if let loop = takeLoop(index, &seen) {
        loop.work(index + 1) { generation.load(ordering: .relaxed) != seen.generation }
      }
      spin(since: seen.generation)
    }
  }

  /// Returns a loop with a free seat, or nil for spinning; sleeps while there is no reason to be awake.
  private func takeLoop(_ index: Int, _ seen: inout Seen) -> ParallelLoop? {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    seen.generation = generation.load(ordering: .relaxed)
    var loop = openLoop
    while loop == nil, calls == seen.calls {
      sleepers += 1
      workers[index].isAsleep = true
      pthread_cond_wait(condition, mutex)
      sleepers -= 1
      workers[index].isAsleep = false
      if recurra_current_processor() == callerProcessor { isWokenAtCaller = true }
      if let keptOff = workers[index].keptOff {
        recurra_let_back(keptOff.processor, keptOff.allowed)
        workers[index].keptOff = nil
      }
      seen.generation = generation.load(ordering: .relaxed)
      loop = openLoop
    }
    seen.calls = calls
    return loop
  }

  /// A loop with something to do, and a seat taken; indices come before parts of them. The mutex is held.
  private var openLoop: ParallelLoop? { loops.first { $0.takeSeat() } ?? loops.first { $0.takeSeatForPart() } }

  private func spin(since seen: Int) {
    spinning.add(1, ordering: .relaxed)
    defer { spinning.subtract(1, ordering: .relaxed) }
    var looks = 0
    while generation.load(ordering: .acquiring) == seen, looks < 20_000 {
      recurra_pause()
      looks += 1
    }
  }
}
