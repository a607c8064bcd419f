import Glibc
import RecurraTensor
import TestSupport
import Testing

/// Each in a process of its own, because the counters are those of the whole process.
@Suite struct StoragePoolTests {
  @Test("Blocks are aligned to 64 bytes and at most a quarter larger than asked for, or 256 bytes")
  func blocks() async {
    await #expect(processExitsWith: .success) {
      for byteCount in [
        0, 1, 4, 255, 256, 257, 1000, 1024, 1025, 4096, 5120, 5121, 100_000, 1 << 20, (1 << 20) + 1, 77_777_777,
      ] {
        let before = StoragePool.statistics.liveBytes
        let storage = Storage(byteCount: byteCount)
        let taken = StoragePool.statistics.liveBytes - before
        #expect(UInt(bitPattern: storage.pointer) % 64 == 0)
        #expect(taken >= byteCount && taken <= max(byteCount, 1) * 5 / 4 + 256, "\(byteCount) \(taken)")
        memset(storage.pointer, 0xFF, byteCount)
      }
      #expect(StoragePool.statistics.liveBytes == 0)
    }
  }

  @Test("A freed block is taken again, the last one first, without asking the system")
  func reuse() async {
    await #expect(processExitsWith: .success) {
      let address = { (byteCount: Int) in UInt(bitPattern: Storage(byteCount: byteCount).pointer) }
      let first = address(5000)
      let count = StoragePool.statistics.systemAllocations
      #expect(address(5000) == first)
      #expect(address(4700) == first, "the same class")
      #expect(StoragePool.statistics.systemAllocations == count)
      #expect(address(5200) != first, "another class")
      #expect(StoragePool.statistics.systemAllocations == count + 1)
    }
  }

  @Test("Counters: live, peak, and what the system gave")
  func counters() async {
    await #expect(processExitsWith: .success) {
      #expect(StoragePool.statistics.systemAllocations == 0 && StoragePool.statistics.peakBytes == 0)
      var kept: [Storage] = (0..<4).map { _ in Storage(byteCount: 4096) }
      kept.removeLast(3)
      let statistics = StoragePool.statistics
      #expect(statistics.liveBytes == 4096 && statistics.peakBytes == 16384 && statistics.systemBytes == 16384)
      #expect(statistics.systemAllocations == 4)
      StoragePool.trim()
      #expect(StoragePool.statistics.systemBytes == 4096, "trim gives back what is free, and no more")
      kept += (0..<2).map { _ in Storage(byteCount: 4096) }
      #expect(StoragePool.statistics.systemAllocations == 6)
      withExtendedLifetime(kept) {}
      kept = []
      StoragePool.trim()
      #expect(StoragePool.statistics.systemBytes == 0 && StoragePool.statistics.liveBytes == 0)
    }
  }

  @Test("Steps of the same work ask the system for nothing once warm, gradients included")
  func steadyState() async {
    await #expect(processExitsWith: .success) {
      let x = Tensor.varied([64, 60], dtype: .float32)
      var weights = Tensor.varied([60, 100], seed: 2, dtype: .float32)
      func step() {
        let tracked = weights.tracked
        let loss = x.matrixProduct(tracked).tanh().softmax().squared.mean()
        weights = weights - loss.gradients(withRespectTo: [tracked])[0] * 0.1
      }
      for _ in 0..<3 { step() }
      let before = StoragePool.statistics
      for _ in 0..<50 { step() }
      #expect(StoragePool.statistics.systemAllocations == before.systemAllocations)
      #expect(StoragePool.statistics.liveBytes == before.liveBytes)
    }
  }

  @Test("Transposed operands of a product are not copied")
  func transposedWithoutCopy() async {
    await #expect(processExitsWith: .success) {
      let (a, b) = (Tensor.varied([300, 400]), Tensor.varied([500, 300]))
      let before = StoragePool.statistics
      #expect(before.peakBytes > 0)
      let product = a.transposed().matrixProduct(b.transposed())
      let after = StoragePool.statistics
      #expect(after.liveBytes - before.liveBytes >= product.count * 8)
      #expect(after.systemAllocations - before.systemAllocations <= 1, "one block: the result")
    }
  }

  @Test("Many threads take and give at once; no block has two owners")
  func concurrency() async {
    await #expect(processExitsWith: .success) {
      alarm(60)
      onThreads(8) { thread in
        var kept: [Storage] = []
        for round in 0..<4000 {
          let storage = Storage(byteCount: 64 + (round * 37 + thread * 101) % 9000)
          memset(storage.pointer, Int32(thread + 1), 64)
          kept.append(storage)
          if kept.count > 12 {
            let oldest = kept.remove(at: round % 12)
            let bytes = UnsafeRawBufferPointer(start: oldest.pointer, count: 64)
            precondition(bytes.allSatisfy { $0 == UInt8(thread + 1) })
          }
        }
      }
      let statistics = StoragePool.statistics
      #expect(statistics.liveBytes == 0 && statistics.peakBytes <= statistics.systemBytes)
      StoragePool.trim()
      #expect(StoragePool.statistics.systemBytes == 0)
    }
  }
}
