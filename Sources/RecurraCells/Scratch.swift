internal import CRecurraKernels
import RecurraTensor
internal import Synchronization

/// Memory for jobs that run on several threads, in pieces that are lent to one job at a time.
///
/// All pieces are there from the beginning, so what is asked of the system does not depend on which jobs meet.
final class Scratch: Sendable {
  private let memory: Buffer<Float>
  private let floats: Int
  private let free: Mutex<[Int]>

  /// Makes a piece for each thread; nil for none.
  init?(floats: Int) {
    guard floats > 0 else { return nil }
    let count = Streams.threadCount
    // Lines of their own, and what cores fetch ahead.
    self.floats = (floats + 63) / 64 * 64
    memory = Buffer(count, self.floats)
    free = Mutex(Array(0..<count))
  }

  /// Makes what kernels want for operands of so many columns altogether.
  convenience init?(_ kernels: RecurraCellKernels, rows: Int, depth: Int) {
    self.init(floats: Int(kernels.scratchSize(rows, depth)))
  }

  /// Calls `body` with some pieces.
  func lend<Result>(_ count: Int, _ body: ([UnsafeMutablePointer<Float>]) -> Result) -> Result {
    let taken = free.withLock { free in
      let taken = Array(free.suffix(count))
      free.removeLast(taken.count)
      return taken
    }
    defer { free.withLock { $0.append(contentsOf: taken) } }
    // More than was made for, when the number of threads has grown meanwhile.
    let others = Buffer<Float>(count - taken.count, floats)
    let pieces = taken.map { memory.rows[$0] } + (0..<(count - taken.count)).map { others.rows[$0] }
    return withExtendedLifetime(others) { body(pieces) }
  }
}

extension Buffer where S == Float {
  /// Makes what kernels want for operands of so many columns altogether, for one thread.
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
