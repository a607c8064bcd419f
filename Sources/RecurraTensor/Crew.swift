internal import CRecurraKernels
internal import Glibc
internal import Synchronization

/// The worker threads and the jobs that are open to them.
///
/// A worker that has just finished spins for some hundred microseconds, because the next operation of a model usually follows at
/// once; then it sleeps until a job is posted.
final class Crew: @unchecked Sendable {
  static let shared = Crew()

  private var mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private var condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  // Guarded by the mutex.
  private var jobs: [Job] = []
  private var workers = 0
  private var sleepers = 0
  /// Grows with every posted job; spinning workers watch it without the mutex.
  private let generation = Atomic<Int>(0)

  private init() {
    BLAS.takeOver()
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
    jobs.reserveCapacity(64)
  }

  /// Opens a job to the workers; starts as many as the thread count asks for.
  func post(_ job: Job) {
    pthread_mutex_lock(mutex)
    while workers < Streams.threadCount - 1, startWorker(workers + 1) { workers += 1 }
    jobs.append(job)
    let wake = sleepers > 0
    generation.add(1, ordering: .releasing)
    pthread_mutex_unlock(mutex)
    if wake { pthread_cond_broadcast(condition) }
  }

  /// Takes a finished job off the list.
  func withdraw(_ job: Job) {
    pthread_mutex_lock(mutex)
    jobs.removeAll { $0 === job }
    pthread_mutex_unlock(mutex)
  }

  private func startWorker(_ number: Int) -> Bool {
    var thread = pthread_t()
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    pthread_attr_setstacksize(&attributes, 1 << 20)
    defer { pthread_attr_destroy(&attributes) }
    return pthread_create(
      &thread, &attributes,
      { number in
        Crew.shared.serve(Int(bitPattern: number))
        return nil
      }, UnsafeMutableRawPointer(bitPattern: number)) == 0
  }

  private func serve(_ number: Int) {
    _ = recurra_fp_enter()
    var seen = 0
    while true {
      if let job = takeJob(&seen) {
        job.work(number)
        spin(since: seen)
      }
    }
  }

  /// Returns a job with a free seat; sleeps while there is none. `seen` tells which jobs had been posted by then: one that comes
  /// while this thread works must not be missed.
  private func takeJob(_ seen: inout Int) -> Job? {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    seen = generation.load(ordering: .relaxed)
    if let job = jobs.first(where: { $0.takeSeat() }) { return job }
    sleepers += 1
    pthread_cond_wait(condition, mutex)
    sleepers -= 1
    seen = generation.load(ordering: .relaxed)
    return jobs.first { $0.takeSeat() }
  }

  private func spin(since seen: Int) {
    var tries = 0
    while generation.load(ordering: .acquiring) == seen, tries < 20_000 {
      recurra_pause()
      tries += 1
    }
  }
}
