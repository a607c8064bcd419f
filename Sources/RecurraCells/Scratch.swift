internal import CRecurraKernels
import RecurraTensor

/// Memory for jobs that run on several threads, in pieces that are lent to one job at a time.
///
/// All pieces are there from the beginning, so what is asked of the system does not depend on which jobs meet.
final class Scratch: Sendable {
  private let memory: Buffer<Float>
  private let floats: Int
  private let free: Guarded<[Int]>

  /// Makes some pieces of at least so many floats.
  private init(floats: Int, pieces count: Int) {
    // Lines of their own, and what cores fetch ahead.
    self.floats = (floats + 63) / 64 * 64
    memory = Buffer(count, self.floats)
    free = Guarded(Array(0..<count))
  }

  /// Some pieces of at least so many floats; nil where none are wanted.
  static func of(floats: Int, pieces: Int) -> Scratch? { floats > 0 ? Scratch(floats: floats, pieces: pieces) : nil }

  /// For each thread what kernels want for so many rows of operands that have `depth` columns altogether.
  static func of(_ kernels: RecurraCellKernels, rows: Int, depth: Int) -> Scratch? {
    of(floats: Int(kernels.scratchSize(rows, depth)), pieces: Threads.count)
  }

  /// Calls `body` with some pieces.
  func lend<Result>(_ count: Int, _ body: ([UnsafeMutablePointer<Float>]) -> Result) -> Result {
    let taken = free.withLock { free in
      let taken = Array(free.suffix(count))
      free.removeLast(taken.count)
      return taken
    }
    defer { free.withLock { $0.append(contentsOf: taken) } }
    // Too few were made where the number of threads has grown meanwhile.
    let others = Buffer<Float>(count - taken.count, floats)
    let pieces = taken.map { memory.rows[$0] } + (0..<(count - taken.count)).map { others.rows[$0] }
    return withExtendedLifetime(others) { body(pieces) }
  }
}

extension Buffer where S == Float {
  /// Makes the same for one thread.
  init(scratchOf kernels: RecurraCellKernels, rows: Int, depth: Int) {
    let size = Int(kernels.scratchSize(rows, depth))
    self.init(size > 0 ? 1 : 0, size)
  }
}

extension Optional where Wrapped == Scratch {
  /// Calls `body` with a piece; with nil where none is wanted.
  @inline(__always)
  @discardableResult
  func lend<Result>(_ body: (UnsafeMutablePointer<Float>?) -> Result) -> Result {
    map { scratch in scratch.lend(1) { body($0[0]) } } ?? body(nil)
  }
}
