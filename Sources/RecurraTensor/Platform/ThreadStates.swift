internal import Glibc

/// What the other threads of this process do, as the system tells it.
struct ThreadStates {
  /// The other threads; `Int.max` where the system does not tell.
  let count: Int

  init() { count = Self.others?.count ?? .max }

  /// Waits until all of them have been asleep for a while, which a thread that asks for memory again and again never
  /// is; returns false where that takes longer than some microseconds, or cannot be told.
  func comeToRest(within microseconds: Int) -> Bool {
    var quiet = 0
    for _ in 0..<max(1, microseconds / 10_000) {
      guard let others = Self.others else { return false }
      quiet = others.allSatisfy { $0 == UInt8(ascii: "S") } ? quiet + 1 : 0
      if quiet == 5 { return true }
      usleep(10_000)
    }
    return false
  }

  /// The state of each other thread, as /proc has it: R for running, S for asleep.
  private static var others: [UInt8]? {
    guard let folder = opendir("/proc/self/task") else { return nil }
    defer { closedir(folder) }
    // "process/task/thread"
    var own = [CChar](repeating: 0, count: 64)
    guard readlink("/proc/thread-self", &own, own.count - 1) > 0 else { return nil }
    let path = own.withUnsafeBytes { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    let caller = path.split(separator: "/").last
    var states: [UInt8] = []
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      guard Int32(name) != nil, name != caller.map(String.init) else { continue }
      // "number (name) state …"; a name may hold anything.
      guard let text = SystemFile.text("/proc/self/task/\(name)/stat"),
        let end = text.utf8.lastIndex(of: UInt8(ascii: ")"))
      else { continue }
      if let state = text.utf8[end...].dropFirst(2).first { states.append(state) }
    }
    return states
  }
}
