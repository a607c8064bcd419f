import RecurraTensor
import Testing

/// In processes of their own: the limit holds for all tensors of a process.
@Suite struct MemoryLimitTests {
  @Test("What does not fit beside the tensors that are there is refused, with the bytes asked for")
  func limit() async {
    await #expect(processExitsWith: .success) {
      let held = Tensor.zeros([1 << 20])
      let before = StoragePool.statistics
      MemoryLimit.byteCount = before.liveBytes + (8 << 20)
      try MemoryLimit.require(8 << 20, "test", for: "a thing")
      let error = #expect(throws: RecurraError.self) { try MemoryLimit.require((8 << 20) + 1, "test", for: "a thing") }
      #expect(error?.kind == .outOfMemory)
      #expect(error?.operation == "test")
      #expect(error?.got == "8388609 bytes for a thing")
      #expect(StoragePool.statistics == before)
      // Nobody has to ask for little.
      MemoryLimit.byteCount = 0
      try MemoryLimit.require(1 << 20, "test", for: "a thing")
      withExtendedLifetime(held) {}
    }
  }

  @Test("What lies free in the pool is given back where it may not lie beside a new block")
  func free() async {
    await #expect(processExitsWith: .success) {
      do { _ = Tensor.zeros([100 << 18]) }
      let before = StoragePool.statistics
      #expect(before.systemBytes >= 100 << 20)
      let size = 40 << 20
      // Both fit to the byte.
      MemoryLimit.byteCount = before.systemBytes + size
      try MemoryLimit.require(MemoryLimit.byteCount - before.liveBytes, "test", for: "a thing")
      #expect(StoragePool.statistics == before)
      do { _ = Tensor.zeros([size / 4]) }
      #expect(StoragePool.statistics.systemBytes == MemoryLimit.byteCount)
      StoragePool.trim()
      do { _ = Tensor.zeros([100 << 18]) }
      // One byte less.
      MemoryLimit.byteCount = StoragePool.statistics.systemBytes + size - 1
      do { _ = Tensor.zeros([size / 4]) }
      #expect(StoragePool.statistics.systemBytes < 50 << 20)
    }
  }

  @Test("What the system has no addresses for is refused, but for what lies free in the pool")
  func addresses() async {
    await #expect(processExitsWith: .success) {
      do { _ = Tensor.zeros([100 << 18]) }
      limitAddressSpace(toFurther: 60 << 20)
      try MemoryLimit.require(120 << 20, "test", for: "a thing")
      let error = #expect(throws: RecurraError.self) { try MemoryLimit.require(1 << 30, "test", for: "a thing") }
      #expect(error?.kind == .outOfMemory)
      #expect(error?.description.contains("ulimit -v") == true)
    }
  }

  @Test("A tensor gets the memory that lies free in other sizes")
  func pool() async {
    await #expect(processExitsWith: .success) {
      do { _ = Tensor.zeros([100 << 18]) }
      limitAddressSpace(toFurther: 60 << 20)
      #expect(Tensor.zeros([120 << 18]).count == 120 << 18)
    }
  }

  @Test("One long list among many short ones is refused where padding would need more than there is")
  func padding() async {
    await #expect(processExitsWith: .success) {
      MemoryLimit.byteCount = 64 << 20
      let lists = [[Int]](repeating: [1], count: 1_000) + [[Int](repeating: 2, count: 100_000)]
      let error = #expect(throws: RecurraError.self) { _ = try Tensor.padSequences(lists) }
      #expect(error?.kind == .outOfMemory && error?.got == "400400000 bytes for values [1001, 100000]")
      let cut = try Tensor.padSequences(lists, maxLength: 8)
      #expect(cut.values.shape == [1_001, 8])
      let rows = [Tensor](repeating: .zeros([1, 500]), count: 1_000)
      let wide = #expect(throws: RecurraError.self) { _ = try Tensor.padSequences(rows, maxLength: 100) }
      #expect(wide?.kind == .outOfMemory && wide?.got == "200000000 bytes for values [1000, 100, 500]")
    }
  }

  @Test("The limit begins with what the machine has, or its container")
  func start() {
    #expect(MemoryLimit.defaultByteCount(machine: 100, group: nil) == 100)
    #expect(MemoryLimit.defaultByteCount(machine: 100, group: 50) == 50)
    #expect(MemoryLimit.defaultByteCount(machine: 100, group: 500) == 100)
    #expect(MemoryLimit.defaultByteCount(machine: -1, group: nil) == .max)
    #expect(MemoryLimit.bytes(3, 4, 5) == 60)
    #expect(MemoryLimit.bytes(1 << 32, 1 << 32) == .max)
    #expect(MemoryLimit.bytes(1 << 32, 1 << 32, 0) == 0)
    #expect(MemoryLimit.bytes([]) == 1)
  }
}
