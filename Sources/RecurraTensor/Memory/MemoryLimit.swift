internal import Glibc
internal import Synchronization

/// How much memory tensors may take together: what a file, a model or data ask for beyond it is an error, before it is
/// taken.
///
/// Every operation that can throw looks here before it takes much: building and loading models, reading files, `fit`,
/// `evaluate`, `predict`. What is asked for is a lower bound; an operation may take somewhat more than it has asked
/// for.
public enum MemoryLimit {
  /// The bytes that tensors may take together; at the start those of the machine, or of the process' control group (a
  /// container's memory) where that is less.
  ///
  /// A server sets it to what a request may cost it, for instance. Setting it has effect from the next call on.
  /// - Precondition: at least 0.
  public static var byteCount: Int {
    get { limit.load(ordering: .relaxed) }
    set {
      check(newValue >= 0, "MemoryLimit.byteCount", expected: "at least 0", got: "\(newValue)")
      limit.store(newValue, ordering: .relaxed)
    }
  }

  private static let limit = Atomic<Int>(
    defaultByteCount(machine: sysconf(Int32(_SC_PHYS_PAGES)) * Int(getpagesize()), group: ControlGroups.own.bytes))

  /// The smaller one of what the machine has and what the control group may have.
  package static func defaultByteCount(machine: Int, group: Int?) -> Int {
    min(machine > 0 ? machine : .max, group ?? .max)
  }

  /// The product of counts, or `Int.max` where it does not fit in `Int`.
  package static func bytes(_ counts: Int...) -> Int { bytes(counts) }

  /// The same for a list, such as a shape.
  package static func bytes(_ counts: [Int]) -> Int {
    counts.reduce(1) { product, count in
      let (bytes, overflow) = product.multipliedReportingOverflow(by: count)
      return overflow ? .max : bytes
    }
  }

  /// Asks for memory that is about to be taken.
  ///
  /// - Throws: `outOfMemory` with the bytes asked for, where they do not fit beside what tensors have already, or where
  ///   the system has no address space for them (ulimit -v).
  package static func require(
    _ bytes: Int, _ operation: @autoclosure () -> String, for purpose: @autoclosure () -> String
  ) throws(RecurraError) {
    // Less than this is not worth a look.
    guard bytes > 1 << 20 else { return }
    let statistics = StoragePool.statistics
    let free = max(0, byteCount - statistics.liveBytes)
    guard bytes <= free else {
      throw RecurraError(
        .outOfMemory, operation: operation(), expected: "at most \(free) bytes, of a limit of \(byteCount)",
        got: "\(bytes) bytes for \(purpose())")
    }
    // What lies free in the pool serves, or makes room.
    let missing = bytes - (statistics.systemBytes - statistics.liveBytes)
    if missing <= 0 || AddressSpace.isFree(missing) { return }
    throw RecurraError(
      .outOfMemory, operation: operation(), expected: "memory that the system has (ulimit -v limits it)",
      got: "\(bytes) bytes for \(purpose())")
  }
}
