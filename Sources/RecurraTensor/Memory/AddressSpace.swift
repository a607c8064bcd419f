internal import Glibc

/// The addresses that the system lets this process have (`ulimit -v`, or a machine that promises no more than it has).
enum AddressSpace {
  /// Tells whether so many bytes could be had now.
  static func isFree(_ byteCount: Int) -> Bool {
    let memory = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let memory, memory != MAP_FAILED else { return false }
    munmap(memory, byteCount)
    return true
  }
}
