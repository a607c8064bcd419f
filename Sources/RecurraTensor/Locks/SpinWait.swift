internal import CRecurraKernels
internal import Glibc

/// Waits for another thread in small steps: it only looks at first, then pauses between looks, later lets other threads
/// run.
package enum SpinWait {
  /// Looks without a pause, which takes up to 140 cycles: mostly the other thread is nearly there.
  private static let looks = 64
  /// Looks after which the other thread has probably lost its processor.
  private static let limit = 2_000

  /// Waits until `isThere`; returns for how many nanoseconds that was longer than `limit` looks take.
  @inline(__always)
  @discardableResult
  package static func wait(until isThere: () -> Bool) -> Int {
    var count = 0
    while count < limit {
      if isThere() { return 0 }
      count += 1
      if count > looks { recurra_pause() }
    }
    let begin = Threads.nanoseconds()
    while !isThere() { sched_yield() }
    return Threads.nanoseconds() - begin
  }
}
