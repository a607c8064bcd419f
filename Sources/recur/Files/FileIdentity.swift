internal import Glibc
internal import RecurraLayers

/// Which file a path leads to, now or once it is written.
struct FileIdentity {
  /// Device and number of the file; nil where there is none yet.
  private let node: (device: UInt, number: UInt)?
  /// The bytes of the path with every link followed; nil for standard streams, and where that leads nowhere.
  private let target: [UInt8]?
  /// Tells whether reading or writing uses the content up: a pipe, a terminal.
  let isStream: Bool
  /// Tells whether any number of users are alike to the file, as to `/dev/null`.
  private let isBottomless: Bool

  /// - Parameter standardStream: The descriptor that `-` stands for.
  init(_ path: String, standardStream: Int32) {
    var status = stat()
    let isFound = unsafe path == "-" ? fstat(standardStream, &status) == 0 : stat(PathText.system(path), &status) == 0
    node = isFound ? (UInt(status.st_dev), UInt(status.st_ino)) : nil
    target = path == "-" ? nil : Self.target(of: path)
    let type = isFound ? status.st_mode & S_IFMT : S_IFREG
    isStream = path == "-" || type == S_IFIFO || type == S_IFSOCK
    isBottomless = type == S_IFCHR && path != "-"
  }

  /// Tells whether a path leads to something that is there.
  static func exists(_ path: String) -> Bool {
    var status = stat()
    return unsafe !path.utf8.contains(0) && stat(PathText.system(path), &status) == 0
  }

  /// Tells whether both are one file, also through links, and also where it does not exist yet.
  func isSame(as other: FileIdentity) -> Bool {
    if isBottomless || other.isBottomless { return false }
    if let node, let other = other.node { return node == other }
    guard let target, let other = other.target else { return false }
    return target == other
  }

  private static func target(of path: String, links: Int = 40) -> [UInt8]? {
    if let real = real(path) { return real }
    if let link = link(path), links > 0 {
      let place = link.utf8.first == UInt8(ascii: "/") ? link : folder(of: path) + link
      return target(of: place, links: links - 1)
    }
    let name = PathText.bytes(path).split(separator: UInt8(ascii: "/")).last.map(Array.init) ?? []
    return real(folder(of: path)).map { $0 + [UInt8(ascii: "/")] + name }
  }

  /// The path up to its last slash. Bytes are looked at, because a slash and a combining mark are one `Character`.
  private static func folder(of path: String) -> String {
    let bytes = PathText.bytes(path)
    guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return "./" }
    return PathText.text(bytes[...slash])
  }

  private static func real(_ path: String) -> [UInt8]? {
    guard let real = unsafe realpath(PathText.system(path), nil) else { return nil }
    defer { unsafe free(real) }
    return unsafe (0..<strlen(real)).map { unsafe UInt8(bitPattern: real[$0]) }
  }

  private static func link(_ path: String) -> String? {
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = unsafe buffer.withUnsafeMutableBytes { bytes in
      let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
      return unsafe start.map { unsafe readlink(PathText.system(path), $0, bytes.count) } ?? -1
    }
    return count > 0 ? PathText.text(buffer.prefix(count)) : nil
  }
}
