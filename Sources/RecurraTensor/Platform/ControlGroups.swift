/// What containers and services allow a process: the limits of its control group and of those around it, in either
/// version.
///
/// Source: the kernel's documentation, admin-guide/cgroup-v2 and admin-guide/cgroup-v1 (cpu.max, cpu.cfs_quota_us,
/// memory.max, memory.limit_in_bytes), and proc_pid_mountinfo(5).
package struct ControlGroups: Equatable, Sendable {
  /// Processors' time that may be used in a time of the clock: 1.5 for three halves of a processor; nil without a
  /// limit.
  package private(set) var processors: Double?
  /// Bytes that may be held; nil without a limit.
  package private(set) var bytes: Int?

  /// The limits of this process when they were first asked for.
  package static let own = ControlGroups(reading: SystemFile.text)

  /// The limits that files say, whose texts `text` returns by their paths.
  package init(reading text: (String) -> String?) {
    let groups = Self.groups(text("/proc/self/cgroup") ?? "")
    for mount in Self.mounts(text("/proc/self/mountinfo") ?? "") {
      for (controllers, path) in groups where mount.holds(controllers) {
        for directory in mount.directories(of: path) {
          limit(mount) { text("\(directory)/\($0)") }
        }
      }
    }
  }

  /// Keeps the smaller ones of the limits so far and of those of one directory.
  ///
  /// A process that starts waits for every file, so those that a tree cannot have are left alone.
  private mutating func limit(_ mount: Mount, by file: (String) -> String?) {
    func numbers(_ name: String) -> [Int?] {
      (file(name) ?? "").split(whereSeparator: \.isWhitespace).map { Int($0) }
    }
    let (ofProcessors, ofMemory) = (mount.controllers.contains("cpu"), mount.controllers.contains("memory"))
    var quota = mount.isUnified ? numbers("cpu.max") : ofProcessors ? numbers("cpu.cfs_quota_us") : []
    if !mount.isUnified, let first = quota.first ?? nil, first > 0 { quota += numbers("cpu.cfs_period_us") }
    if let most = quota.first ?? nil, let period = quota.count > 1 ? quota[1] : 100_000, most > 0, period > 0 {
      processors = min(processors ?? .infinity, Double(most) / Double(period))
    }
    let memory = mount.isUnified ? numbers("memory.max") : ofMemory ? numbers("memory.limit_in_bytes") : []
    if let most = memory.first ?? nil, most > 0 { bytes = min(bytes ?? .max, most) }
  }

  /// Lines "number:controllers:path"; the second version names no controllers.
  private static func groups(_ text: String) -> [(controllers: Set<Substring>, path: Substring)] {
    text.split(separator: "\n").compactMap { line in
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      return parts.count == 3 ? (Set(parts[1].split(separator: ",")), parts[2]) : nil
    }
  }

  /// Lines "number parent device root point options … - type source options".
  private static func mounts(_ text: String) -> [Mount] {
    text.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      guard let dash = words.firstIndex(of: "-"), dash >= 5, words.count > dash + 3 else { return nil }
      let isUnified = words[dash + 1] == "cgroup2"
      guard isUnified || words[dash + 1] == "cgroup" else { return nil }
      return Mount(
        root: words[3], point: words[4], controllers: isUnified ? [] : Set(words[dash + 3].split(separator: ",")))
    }
  }
}

/// A place where control groups are seen as directories.
private struct Mount {
  /// The group that the point shows; containers see their own as "/".
  let root: Substring
  let point: Substring
  /// Empty for the second version, which has all of them in one tree.
  let controllers: Set<Substring>
  var isUnified: Bool { controllers.isEmpty }

  func holds(_ others: Set<Substring>) -> Bool {
    isUnified ? others.isEmpty : !controllers.isDisjoint(with: others.intersection(["cpu", "memory"]))
  }

  /// The directories of a group and of those around it, as far as they can be seen.
  func directories(of path: Substring) -> [String] {
    let (path, root) = (path.split(separator: "/"), root.split(separator: "/"))
    guard path.starts(with: root) else { return [String(point)] }
    let inner = path.dropFirst(root.count)
    return (0...inner.count).map { count in
      ([point.hasSuffix("/") ? point.dropLast() : point] + inner.prefix(count)).joined(separator: "/")
    }
  }
}
