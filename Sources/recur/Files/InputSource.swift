internal import Glibc
internal import Recurra
internal import RecurraLayers

/// Opens what a command reads: a file, a pipe, or standard input as "-".
enum InputSource {
  /// The most that is taken from a pipe, which does not say beforehand how much it has: half of what it may have.
  private static var maximumPipeByteCount: Int { MemoryLimit.byteCount / 2 }

  /// What a path is called in messages.
  static func name(of path: String) -> String { path == "-" ? "standard input" : path }

  static func open(_ path: String, maximumByteCount: Int = 1 << 36) throws -> InputFile {
    guard path == "-" || isPipe(path) else { return try InputFile(path, maximumByteCount: maximumByteCount) }
    let name = name(of: path)
    // Without O_NONBLOCK this would wait for a writer, and no signal could end that.
    let descriptor = path == "-" ? 0 : unsafe Glibc.open(PathText.system(path), O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw failure(.noInput, name, expected: "a pipe that can be read") }
    defer { if descriptor != 0 { close(descriptor) } }
    let content = try read(descriptor, name, limit: min(maximumByteCount, maximumPipeByteCount))
    return InputFile(content, operation: "read \(name)")
  }

  private static func isPipe(_ path: String) -> Bool {
    var status = stat()
    guard unsafe !path.utf8.contains(0) && stat(PathText.system(path), &status) == 0 else { return false }
    return status.st_mode & S_IFMT == S_IFIFO
  }

  private static func read(_ descriptor: Int32, _ name: String, limit: Int) throws -> [UInt8] {
    var content: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      // A signal does not end a reading, nor a waiting that begins after it, nor one while another thread takes it.
      var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let ready = unsafe poll(&request, 1, 50)
      try Interrupt.checkBeforeTraining()
      if ready == 0 || ready < 0 && errno == EINTR { continue }
      let count = unsafe piece.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
      if count < 0 && (errno == EINTR || errno == EAGAIN) { continue }
      guard count >= 0 else { throw failure(.inputOutput, name, expected: "to go on reading") }
      if count == 0 { return content }
      guard content.count + count <= limit else {
        throw RecurraError(.badFile, operation: "read \(name)", expected: "at most \(limit) bytes", got: "more")
      }
      content += piece.prefix(count)
    }
  }

  private static func failure(_ kind: RecurraError.Kind, _ name: String, expected: String) -> RecurraError {
    RecurraError(
      kind, operation: "read \(name)", expected: expected, got: SystemError(code: errno).got)
  }
}
