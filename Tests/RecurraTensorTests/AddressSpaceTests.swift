import Glibc
import RecurraTensor
import TestSupport
import Testing

/// Each in a process of its own, whose address space is limited (ulimit -v).
@Suite struct AddressSpaceTests {
  @Test("Where nothing is left for a worker's stack, the caller does the work")
  func workers() async {
    await #expect(processExitsWith: .success) {
      alarm(60)
      let expected = rowSums()
      limitAddressSpace(toFurther: 4 << 20)
      Threads.count = 24
      let pieces = Counter()
      for _ in 0..<20 { Threads.run(40) { _ in pieces.increment() } }
      #expect(pieces.value == 800)
      #expect(rowSums() == expected)
    }
  }

  @Test("Products for which OpenBLAS has no further buffer take turns")
  func products() async {
    await #expect(processExitsWith: .success) {
      alarm(60)
      Threads.count = 1
      let expected = rowSums()
      limitAddressSpace(toFurther: 124 << 20)
      let right = Counter()
      onThreads(6) { _ in for _ in 0..<50 where rowSums() == expected { right.increment() } }
      #expect(right.value == 300)
    }
  }

  @Test("OpenBLAS keeps one thread, and has no workers once it was used")
  func threads() async {
    await #expect(processExitsWith: .success) {
      _ = rowSums()
      #expect(BLAS.threadCount == 1)
    }
  }
}

private func rowSums() -> [Float] {
  let (left, right) = (
    Tensor.varied([90, 70], seed: 1, dtype: .float32), Tensor.varied([70, 80], seed: 2, dtype: .float32)
  )
  return left.matrixProduct(right).sum(axes: [1]).scalars()
}

/// Leaves this process so many bytes of address space beside those it has.
func limitAddressSpace(toFurther bytes: Int) {
  let file = open("/proc/self/statm", O_RDONLY)
  var text = [CChar](repeating: 0, count: 64)
  read(file, &text, 63)
  close(file)
  let pages = text.prefix { $0 != CChar(UInt8(ascii: " ")) }.reduce(0) { $0 * 10 + Int($1) - 48 }
  var limit = rlimit(rlim_cur: rlim_t(pages * Int(getpagesize()) + bytes), rlim_max: rlim_t.max)
  setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
}
