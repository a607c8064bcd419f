internal import CRecurraKernels
import RecurraTensor

/// What a schedule may depend on besides the problem: threads, caches, how fast a core computes and reads, and what a
/// barrier costs at the moment.
///
/// Tests make machines up. Of this machine the figures that take a measurement are left out, and are measured when the
/// planner asks for them: most calls need none.
package struct Machine: Sendable {
  /// Threads that may work on the call.
  package var threads: Int
  /// Bytes of the cache for data that a core reads first, of the one it has for itself, and of the one cores share.
  package var firstCache, privateCache, sharedCache: Int
  /// Bytes of the shared cache that a core reads in a nanosecond.
  package var sharedCacheRate: Double?
  /// Products of a core in a nanosecond at best: its arithmetic roof.
  package var productRate: Double?
  /// Nanoseconds that two threads take to meet; `Int.max` while one of them is held up.
  package var barrier: Int?
  /// Tells that costs count for nothing, so that tests meet every division of work.
  package var ignoresCosts = false

  /// Makes a machine up.
  package init(
    threads: Int, firstCache: Int, privateCache: Int, sharedCache: Int, sharedCacheRate: Double? = nil,
    productRate: Double? = nil, barrier: Int? = nil
  ) {
    (self.threads, self.firstCache, self.privateCache, self.sharedCache) = (
      threads, firstCache, privateCache, sharedCache
    )
    (self.sharedCacheRate, self.productRate, self.barrier) = (sharedCacheRate, productRate, barrier)
  }

  /// This machine at the moment.
  package static var current: Machine {
    var machine = Machine(
      threads: Threads.count, firstCache: Caches.first, privateCache: Caches.own, sharedCache: Caches.shared)
    machine.ignoresCosts = Threads.ignoresCosts
    return machine
  }

  /// What a barrier costs, for a call that takes one thread about so many nanoseconds.
  func barrierCost(lasting: Int) -> Int { ignoresCosts ? 0 : barrier ?? BarrierCost.current(lasting: lasting) }

  /// Rows with which a core multiplies weights no faster than they come: from the shared cache, or, where all that is
  /// used by turns overflows it, from memory.
  ///
  /// 4 rows where a core reads the shared cache at 100 GB/s (Zen 4), 13 at 30 (Emerald Rapids).
  func fedRows(weights: Int, _ tuning: Tuning) -> Int {
    let isNear = 4 * weights <= sharedCache / 2
    let rate = isNear ? sharedCacheRate ?? Caches.sharedRate : tuning.memoryBytesPerNanosecond
    let products = tuning.kernelEfficiency * (productRate ?? Self.measuredProductRate)
    return Int((4 * products / tuning.hiddenShare / rate).rounded(.up))
  }

  /// Tells whether a single row should go through two panels of the recurrent weights together, for more chains at a
  /// time.
  ///
  /// Not where a panel alone stays in a small first cache, and the next step begins with it: 5 to 10 % faster with 32
  /// KiB (Zen 4). Larger ones come with cores that read the second cache as fast as a panel's chains take (Zen 5).
  func pairsPanels(bytes: Int) -> Bool {
    firstCache > 1 << 15 || bytes > firstCache || 2 * bytes <= firstCache
  }

  /// Measured once, in some microseconds: the best of some bursts of multiplications.
  private static let measuredProductRate: Double = {
    let rates = (0..<4).map { _ in
      let begin = Threads.nanoseconds()
      let operations = Kernels.table.fmaBurst(1_000)
      return operations / 2 / Double(max(1, Threads.nanoseconds() - begin))
    }
    return rates.max() ?? 1
  }()
}

extension Machine {
  /// This machine's caches alone, for what is decided by them.
  static let caches = Machine(
    threads: 1, firstCache: Caches.first, privateCache: Caches.own, sharedCache: Caches.shared)
}

/// The caches of this machine.
private enum Caches {
  static let first = size(recurra_first_cache_bytes(), unknown: 1 << 15)
  static let own = size(recurra_private_cache_bytes(), unknown: 1 << 19)
  static let shared = size(recurra_shared_cache_bytes(), unknown: 1 << 24)

  private static func size(_ bytes: Int, unknown: Int) -> Int { bytes > 0 ? bytes : unknown }

  /// Measured once; some milliseconds, most of them for getting the memory.
  static let sharedRate: Double = {
    let floats = min(shared / 4, 4 * own) / 4
    let buffer = Buffer<Float>(1, floats)
    let least = withExtendedLifetime(buffer) {
      let base = buffer.rows.base
      base.update(repeating: 0, count: floats)
      return (0..<4).reduce(Int.max) { least, _ in
        let begin = Threads.nanoseconds()
        _ = Kernels.table.readBurst(base, 4 * floats)
        return min(least, Threads.nanoseconds() - begin)
      }
    }
    return Double(4 * floats) / Double(max(1, least))
  }()
}
