internal import CRecurraKernels
internal import Glibc
internal import Synchronization

/// The worker threads and the jobs that are open to them.
///
/// A worker that has just finished spins for some hundred microseconds, because the next operation of a model usually
/// follows at once; then it sleeps until a job is posted, or a caller wants it to look out for the next.
final class Crew: @unchecked Sendable {
  static let shared = Crew()

  private var mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private var condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  // Guarded by the mutex.
  private var jobs: [Job] = []
  private var workers: [Worker] = []
  private var sleepers = 0
  /// Times that sleepers were woken without a job.
  private var calls = 0
  /// The processor of whoever woke sleepers last, and whether one was once found awake there.
  private var callerProcessor: Int32 = -1
  private var isWokenAtCaller = false
  /// Workers that look out for a job.
  private let lookouts = Atomic<Int>(0)
  /// Grows with every posted job; spinning workers watch it without the mutex.
  private let generation = Atomic<Int>(0)

  private init() {
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
    jobs.reserveCapacity(64)
  }

  /// Keeps the jobs and workers as they are until the process has forked.
  func holdForFork() { pthread_mutex_lock(mutex) }

  /// Goes on in the parent, and begins anew in the child.
  func goOnAfterFork(isChild: Bool) {
    if isChild { beginAnew() } else { pthread_mutex_unlock(mutex) }
  }

  /// In the child of a fork there are no workers: it starts its own.
  private func beginAnew() {
    // Threads that do not exist here wait for the parent's.
    mutex = .allocate(capacity: 1)
    condition = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
    (jobs, workers, sleepers) = ([], [], 0)
    lookouts.store(0, ordering: .relaxed)
    Threads.calls.store(0, ordering: .relaxed)
  }

  /// Opens a job to the workers; starts as many as the thread count asks for.
  func post(_ job: Job) {
    BLAS.takeOver()
    pthread_mutex_lock(mutex)
    startWorkers()
    jobs.append(job)
    generation.add(1, ordering: .releasing)
    wakeSleepers(job.helpers)
    pthread_mutex_unlock(mutex)
  }

  /// Tells whether a worker would take a job at once.
  var isAwake: Bool { lookouts.load(ordering: .relaxed) > 0 }

  /// Lets some workers look out for jobs, without one.
  func wake(_ count: Int) {
    BLAS.takeOver()
    pthread_mutex_lock(mutex)
    startWorkers()
    calls += 1
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
    if isWokenAtCaller {
      for index in workers.indices where workers[index].isAsleep && workers[index].keptOff == nil {
        var allowed = cpu_set_t()
        if recurra_keep_off(workers[index].thread, callerProcessor, &allowed) != 0 {
          workers[index].keptOff = (callerProcessor, allowed)
        }
      }
    }
    for _ in 0..<min(count, sleepers) { pthread_cond_signal(condition) }
  }

  /// Takes a finished job off the list.
  func withdraw(_ job: Job) {
    pthread_mutex_lock(mutex)
    jobs.removeAll { $0 === job }
    pthread_mutex_unlock(mutex)
  }

  /// Starts the workers that are missing; the mutex is held.
  private func startWorkers() {
    while workers.count < Threads.count - 1, let thread = startWorker(workers.count) {
      workers.append(Worker(thread: thread))
    }
  }

  private func startWorker(_ index: Int) -> pthread_t? {
    var thread = pthread_t()
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    pthread_attr_setstacksize(&attributes, Threads.stackBytes)
    defer { pthread_attr_destroy(&attributes) }
    let status = pthread_create(
      &thread, &attributes,
      { index in
        Crew.shared.serve(Int(bitPattern: index))
        return nil
      }, UnsafeMutableRawPointer(bitPattern: index))
    return status == 0 ? thread : nil
  }

  private func serve(_ index: Int) {
    recurra_name_worker(Int32(index + 1))
    _ = recurra_fp_enter()
    var seen = (generation: 0, calls: 0)
    while true {
      if let job = takeJob(index, &seen) {
        job.work(index + 1) { generation.load(ordering: .relaxed) != seen.generation }
      }
      spin(since: seen.generation)
    }
  }

  /// Returns a job with a free seat, or nil for looking out for one; sleeps while there is no reason to be awake.
  ///
  /// `seen` tells which jobs had been posted by then: one that comes while this thread works must not be missed.
  private func takeJob(_ index: Int, _ seen: inout (generation: Int, calls: Int)) -> Job? {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    seen.generation = generation.load(ordering: .relaxed)
    var job = openJob
    while job == nil, calls == seen.calls {
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
      job = openJob
    }
    seen.calls = calls
    return job
  }

  /// A job to do something of, with a seat taken; pieces come before parts of pieces. The mutex is held.
  private var openJob: Job? { jobs.first { $0.takeSeat() } ?? jobs.first { $0.takeSeatForPart() } }

  private func spin(since seen: Int) {
    lookouts.add(1, ordering: .relaxed)
    defer { lookouts.subtract(1, ordering: .relaxed) }
    var tries = 0
    while generation.load(ordering: .acquiring) == seen, tries < 20_000 {
      recurra_pause()
      tries += 1
    }
  }
}

/// What is known of a worker thread.
private struct Worker {
  let thread: pthread_t
  var isAsleep = false
  /// The processor that it may not run on until it is awake, and those that it might before.
  var keptOff: (processor: Int32, allowed: cpu_set_t)?
}
