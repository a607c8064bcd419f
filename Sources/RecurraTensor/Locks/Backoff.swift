internal import CRecurraKernels
internal import Glibc

/// Waits for another thread that may take long: looks at first, then lets other threads run, then sleeps between looks.
enum Backoff {
  static func wait(until isThere: () -> Bool) {
    var looks = 0
    while !isThere() {
      looks += 1
      if looks < 1_000 {
        recurra_pause()
      } else if looks < 1_100 {
        sched_yield()
      } else {
        usleep(50)
      }
    }
  }
}
