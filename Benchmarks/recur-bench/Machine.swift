import CRecurraKernels
import RecurraCells
import RecurraTensor

/// The limits of this machine, measured in this run: no product can be faster than its arithmetic or its memory.
enum Machine {
  /// The instruction set of the kernels in use.
  static var instructionSet: String { unsafe String(cString: Kernels.table.name) }

  /// What helps where OpenBLAS does not know the processor and takes it for one without vectors of 256 bits; nil where
  /// it does.
  static var advice: String? {
    let old = ["Prescott", "Core2", "Penryn", "Dunnington", "Nehalem", "Atom", "Katmai", "Coppermine", "Northwood"]
    let name = BLAS.configuration.split(separator: " ").first { old.contains(String($0)) }
    guard let name, ["avx2", "avx512"].contains(instructionSet) else { return nil }
    return
      "OpenBLAS takes this processor for a \(name): OPENBLAS_CORETYPE=Haswell in the environment makes products faster"
  }

  /// Floating-point operations a second of all threads together, in fused multiply-adds on registers alone.
  static func arithmeticRoof(threads: Int, stopwatch: Stopwatch) -> Double {
    Report.timing("the arithmetic of \(Report.count(threads, "thread"))")
    Threads.count = threads
    let iterations = 1 << 18
    var flops = 0.0
    let time = stopwatch.time {
      Threads.run(threads) { index in
        let done = unsafe Kernels.table.fmaBurst(iterations)
        if index == 0 { flops = done }
      }
    }
    return flops * Double(threads) / time.minimum
  }

  /// Prints how many times the arithmetic of one thread all threads together do, and how long two need to meet at a
  /// barrier.
  ///
  /// Virtual processors may share a core for some seconds, or lie far apart; a figure taken then says nothing about two
  /// cores side by side.
  static func probe(threads: Int, json: Bool) {
    let stopwatch = Stopwatch(repetitions: 3, least: 0.004)
    let one = arithmeticRoof(threads: 1, stopwatch: stopwatch)
    let all = arithmeticRoof(threads: threads, stopwatch: stopwatch)
    let meeting = BarrierCost.current()
    Report.line(
      json
        ? JSONLine([
          ("threads", .count(threads)), ("speed_up", .number(all / one)), ("meeting_nanoseconds", .count(meeting)),
        ])
        .text
        : "\(threads) threads do \(Table.fixed(all / one, 2)) times the arithmetic of one, two meet in \(meeting) ns"
    )
  }

  /// Bytes a second that all threads together read from a buffer of a size, each its share of it over and over.
  static func bandwidthRoof(bytes: Int, threads: Int, stopwatch: Stopwatch) -> Double {
    Threads.count = threads
    let share = bytes / threads
    let buffers = (0..<threads).map { _ in Tensor.ones([max(share / 4, 1)]) }
    let rounds = max(1, (1 << 24) / max(share, 1))
    let time = stopwatch.time {
      Threads.run(threads) { index in
        unsafe buffers[index].withPointer(of: Float.self) { pointer in
          for _ in 0..<rounds { _ = unsafe Kernels.table.readBurst(pointer, share) }
        }
      }
    }
    return Double(rounds * share * threads) / time.minimum
  }
}
