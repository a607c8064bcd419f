internal import CRecurraKernels
import RecurraTensor
internal import Synchronization

/// Memory for jobs that run on several threads, in pieces that are lent to one job at a time.
///
/// All pieces are there from the beginning, so what is asked of the system does not depend on which jobs meet.
final class Scratch: Sendable {
  private let memory: Buffer<Float>
  private let floats: Int
  /// A bit for each piece that is free.
  private let free: Atomic<UInt64>
  /// The pieces that one word has no bits for.
  private let further: Scratch?

  /// Makes some pieces of at least so many floats.
  private init(floats: Int, pieces count: Int) {
    // Lines of their own, and what cores fetch ahead.
    self.floats = (floats + 63) / 64 * 64
    let own = min(count, UInt64.bitWidth)
    memory = Buffer(own, self.floats)
    free = Atomic(UInt64.max >> (UInt64.bitWidth - own))
    further = count > own ? Scratch(floats: floats, pieces: count - own) : nil
  }

  /// Some pieces of at least so many floats; nil where none are wanted.
  static func of(floats: Int, pieces: Int) -> Scratch? { floats > 0 ? Scratch(floats: floats, pieces: pieces) : nil }

  /// A piece for each thread.
  static func ofThreads(floats: Int) -> Scratch { Scratch(floats: max(floats, 1), pieces: Threads.count) }

  /// For each thread what products with a matrix want for so many rows.
  static func ofMatrix(rows: Int) -> Scratch? {
    of(floats: Int(Kernels.table.matrix.scratchSize(rows)), pieces: Threads.count)
  }

  /// For each thread what kernels want for so many rows.
  static func of(_ kernels: RecurraCellKernels, rows: Int) -> Scratch? {
    of(floats: Int(kernels.scratchSize(rows)), pieces: Threads.count)
  }

  /// Calls `body` with a piece.
  @inline(__always)
  func lend<Result>(_ body: (UnsafeMutablePointer<Float>) -> Result) -> Result {
    guard let piece = take() else {
      if let further { return further.lendAgain(body) }
      // Too few were made where the number of threads has grown meanwhile.
      let other = Buffer<Float>(1, floats)
      return withExtendedLifetime(other) { body(other.rows[0]) }
    }
    defer { give(piece) }
    return body(memory.rows[piece])
  }

  @inline(never)
  private func lendAgain<Result>(_ body: (UnsafeMutablePointer<Float>) -> Result) -> Result { lend(body) }

  /// Calls `body` with some pieces.
  func lend<Result>(_ count: Int, _ body: ([UnsafeMutablePointer<Float>]) -> Result) -> Result {
    var taken: [Int] = []
    while taken.count < count, let piece = take() { taken.append(piece) }
    defer { for piece in taken { give(piece) } }
    let others = Buffer<Float>(count - taken.count, floats)
    let pieces = taken.map { memory.rows[$0] } + (0..<(count - taken.count)).map { others.rows[$0] }
    return withExtendedLifetime(others) { body(pieces) }
  }

  private func take() -> Int? {
    var mask = free.load(ordering: .relaxed)
    while mask != 0 {
      let rest = mask & (mask - 1)
      let (isMine, found) = free.weakCompareExchange(
        expected: mask, desired: rest, successOrdering: .acquiring, failureOrdering: .relaxed)
      if isMine { return mask.trailingZeroBitCount }
      mask = found
    }
    return nil
  }

  private func give(_ piece: Int) { free.bitwiseOr(1 << UInt64(piece), ordering: .releasing) }
}

extension Buffer where S == Float {
  /// Makes the same for one thread.
  init(scratchOf kernels: RecurraCellKernels, rows: Int) {
    let size = Int(kernels.scratchSize(rows))
    self.init(size > 0 ? 1 : 0, size)
  }
}

extension Optional where Wrapped == Scratch {
  /// Calls `body` with a piece; with nil where none is wanted.
  @inline(__always)
  @discardableResult
  func lend<Result>(_ body: (UnsafeMutablePointer<Float>?) -> Result) -> Result {
    guard let scratch = self else { return body(nil) }
    return scratch.lend { body($0) }
  }
}
