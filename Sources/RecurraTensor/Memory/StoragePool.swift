internal import Glibc

/// Recycles the memory of tensors by size class, so that a steady training step asks the system for nothing.
///
/// Sizes are rounded up to a quarter of a power of two (at most 25 % is lost). A freed block keeps the address of the
/// next free block in its own first bytes, so the lists themselves take no memory.
public enum StoragePool {
  /// Counts what the pool has done since the process started.
  public struct Statistics: Sendable, Equatable {
    /// Blocks asked of the system.
    public var systemAllocations = 0
    /// Bytes held from the system, in use or free.
    public var systemBytes = 0
    /// Bytes in use by tensors.
    public var liveBytes = 0
    /// The largest `liveBytes` so far.
    public var peakBytes = 0
  }

  private struct State: Sendable {
    var statistics = Statistics()
    /// Address of the first free block of each class, 0 where there is none.
    var heads = [UInt](repeating: 0, count: 256)
  }

  private static let state = Guarded(ofPool: State())

  /// The counters as they stand.
  public static var statistics: Statistics { state.withLock { $0.statistics } }

  /// Gives every free block back to the system.
  public static func trim() { state.withLock { trim(&$0) } }

  private static func trim(_ state: inout State) {
    for sizeClass in state.heads.indices {
      while let block = UnsafeMutableRawPointer(bitPattern: state.heads[sizeClass]) {
        state.heads[sizeClass] = block.load(as: UInt.self)
        state.statistics.systemBytes -= byteCount(ofClass: sizeClass)
        free(block)
      }
    }
  }

  /// Takes a 64-byte aligned block of at least `byteCount` bytes, its content undefined.
  static func take(_ byteCount: Int) -> (pointer: UnsafeMutableRawPointer, sizeClass: Int) {
    let sizeClass = sizeClass(for: byteCount)
    let size = self.byteCount(ofClass: sizeClass)
    let address: UInt = state.withLock { state in
      state.statistics.liveBytes += size
      state.statistics.peakBytes = max(state.statistics.peakBytes, state.statistics.liveBytes)
      guard let block = UnsafeMutableRawPointer(bitPattern: state.heads[sizeClass]) else { return 0 }
      state.heads[sizeClass] = block.load(as: UInt.self)
      return UInt(bitPattern: block)
    }
    guard let pointer = UnsafeMutableRawPointer(bitPattern: address) ?? takeFromSystem(size) else {
      stop("storage", expected: "\(size) bytes from the system", got: "none")
    }
    return (pointer, sizeClass)
  }

  /// Takes a block that no other tensor has had. What lies free in other sizes goes back first where it would not fit
  /// beside the block, be it within `MemoryLimit` or in what the system gives.
  private static func takeFromSystem(_ size: Int) -> UnsafeMutableRawPointer? {
    let limit = MemoryLimit.byteCount
    let address: UInt = state.withLock { state in
      if size > limit - state.statistics.systemBytes { trim(&state) }
      state.statistics.systemAllocations += 1
      state.statistics.systemBytes += size
      if let block = allocate(size) { return UInt(bitPattern: block) }
      trim(&state)
      return UInt(bitPattern: allocate(size))
    }
    return UnsafeMutableRawPointer(bitPattern: address)
  }

  /// Asks the system for a block; for one of huge pages where it is large, which a core finds its way through with
  /// fewer look-ups.
  private static func allocate(_ size: Int) -> UnsafeMutableRawPointer? {
    // Unlike aligned_alloc, posix_memalign takes any size.
    var block: UnsafeMutableRawPointer?
    guard posix_memalign(&block, size >= hugePage ? hugePage : 64, size) == 0, let block else { return nil }
    // A wish: without huge pages the block serves as well.
    if size >= hugePage { _ = madvise(block, size, MADV_HUGEPAGE) }
    return block
  }

  private static let hugePage = 1 << 21

  /// Takes a block back.
  static func give(_ pointer: UnsafeMutableRawPointer, sizeClass: Int) {
    let address = UInt(bitPattern: pointer)
    state.withLock { state in
      guard let block = UnsafeMutableRawPointer(bitPattern: address) else { return }
      block.storeBytes(of: state.heads[sizeClass], as: UInt.self)
      state.heads[sizeClass] = address
      state.statistics.liveBytes -= byteCount(ofClass: sizeClass)
    }
  }

  /// The class whose blocks hold `byteCount` bytes: four classes to every doubling, from 256 bytes up.
  static func sizeClass(for byteCount: Int) -> Int {
    let units = (max(byteCount, 1) + 255) / 256
    if units <= 4 { return units - 1 }
    let exponent = Int.bitWidth - 1 - (units - 1).leadingZeroBitCount - 2
    let quarters = ((units - 1) >> exponent) + 1
    return exponent * 4 + quarters - 1
  }

  static func byteCount(ofClass sizeClass: Int) -> Int {
    if sizeClass < 4 { return (sizeClass + 1) * 256 }
    let exponent = sizeClass / 4 - 1
    return ((sizeClass % 4 + 5) << exponent) << 8
  }
}

/// A block of pooled memory that tensors share; the last one to let go gives it back.
///
/// Sendable because tensors never write to a block that another tensor can see.
package final class Storage: @unchecked Sendable {
  package let pointer: UnsafeMutableRawPointer
  private let sizeClass: Int

  package init(byteCount: Int) {
    (pointer, sizeClass) = StoragePool.take(byteCount)
  }

  deinit { StoragePool.give(pointer, sizeClass: sizeClass) }
}
