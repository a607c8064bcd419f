internal import Glibc

/// The system itself.
package struct LocalFileSystem: FileSystem {
  package init() {}

  package func openForReading(_ path: String) throws(SystemError) -> Int32 {
    // Without O_NONBLOCK opening a named pipe would wait for a writer.
    try result(unsafe open(PathText.system(path), O_RDONLY | O_CLOEXEC | O_NONBLOCK))
  }

  package func openDirectory(_ path: String) throws(SystemError) -> Int32 {
    try result(unsafe open(PathText.system(path), O_RDONLY | O_CLOEXEC | O_DIRECTORY))
  }

  package func create(_ path: String, mode: UInt32) throws(SystemError) -> Int32 {
    try result(unsafe open(PathText.system(path), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode))
  }

  package func status(of descriptor: Int32) throws(SystemError) -> FileStatus {
    var status = stat()
    _ = try result(unsafe fstat(descriptor, &status))
    return FileStatus(status)
  }

  package func status(at path: String) throws(SystemError) -> FileStatus {
    var status = stat()
    _ = try result(unsafe stat(PathText.system(path), &status))
    return FileStatus(status)
  }

  package func read(
    _ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer, at offset: Int
  ) throws(SystemError) -> Int {
    try result(unsafe pread(descriptor, buffer.baseAddress, buffer.count, offset))
  }

  package func write(_ descriptor: Int32, _ buffer: UnsafeRawBufferPointer) throws(SystemError) -> Int {
    try Self.withoutSizeSignal { () throws(SystemError) in
      try result(unsafe Glibc.write(descriptor, buffer.baseAddress, buffer.count))
    }
  }

  package func setMode(_ descriptor: Int32, _ mode: UInt32) throws(SystemError) {
    _ = try result(fchmod(descriptor, mode))
  }

  package func synchronize(_ descriptor: Int32) throws(SystemError) { _ = try result(fsync(descriptor)) }

  package func close(_ descriptor: Int32) throws(SystemError) { _ = try result(Glibc.close(descriptor)) }

  package func checkWritable(_ path: String) throws(SystemError) {
    _ = try result(unsafe access(PathText.system(path), W_OK))
  }

  package func resolved(_ path: String) throws(SystemError) -> String {
    guard let real = unsafe realpath(PathText.system(path), nil) else { throw SystemError(code: errno) }
    defer { unsafe free(real) }
    let path = unsafe UnsafeBufferPointer(start: real, count: strlen(real))
    return unsafe PathText.text(path.map { UInt8(bitPattern: $0) })
  }

  package func rename(_ path: String, to target: String) throws(SystemError) {
    _ = try result(unsafe Glibc.rename(PathText.system(path), PathText.system(target)))
  }

  package func remove(_ path: String) throws(SystemError) { _ = try result(unsafe unlink(PathText.system(path))) }

  package func link(at path: String) throws(SystemError) -> String? {
    var bytes = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = unsafe readlink(PathText.system(path), &bytes, bytes.count)
    // What is no link is invalid here.
    if count < 0, errno == EINVAL { return nil }
    return PathText.text(bytes.prefix(try result(count)).map { UInt8(bitPattern: $0) })
  }

  package func names(in directory: String) throws(SystemError) -> [String] {
    guard let stream = unsafe opendir(PathText.system(directory)) else { throw SystemError(code: errno) }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while let entry = unsafe readdir(stream) {
      unsafe withUnsafeBytes(of: entry.pointee.d_name) { name in
        unsafe names.append(PathText.text(name.prefix { $0 != 0 }))
      }
    }
    return names
  }

  package func openForLocking(_ path: String) throws(SystemError) -> Int32 {
    try result(unsafe open(PathText.system(path), O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW))
  }

  package func lock(_ descriptor: Int32) throws(SystemError) -> Bool {
    let outcome = flock(descriptor, LOCK_EX | LOCK_NB)
    if outcome < 0, errno == EWOULDBLOCK { return false }
    return try result(outcome) == 0
  }

  package func isAlive(process: Int32) -> Bool { kill(process, 0) == 0 || errno != ESRCH }

  /// Keeps the signal away by which the system ends a process whose file grows beyond its limit: the call then fails
  /// with EFBIG.
  private static func withoutSizeSignal<Value>(
    _ call: () throws(SystemError) -> Value
  ) throws(SystemError) -> Value {
    var (signals, before, pending) = (sigset_t(), sigset_t(), sigset_t())
    unsafe sigemptyset(&signals)
    unsafe sigaddset(&signals, SIGXFSZ)
    guard unsafe pthread_sigmask(SIG_BLOCK, &signals, &before) == 0 else { return try call() }
    unsafe sigpending(&pending)
    let wasPending = unsafe sigismember(&pending, SIGXFSZ) == 1
    defer {
      // The signal is this thread's own; it is taken away before it could come through.
      var now = timespec()
      if !wasPending { unsafe sigtimedwait(&signals, nil, &now) }
      unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
    }
    return try call()
  }

  private func result<Value: SignedInteger>(_ value: Value) throws(SystemError) -> Value {
    if value < 0 { throw SystemError(code: errno) }
    return value
  }
}

extension FileStatus {
  fileprivate init(_ status: stat) {
    switch status.st_mode & S_IFMT {
    case S_IFREG: type = .regular
    case S_IFDIR: type = .directory
    default: type = .other
    }
    byteCount = Int(status.st_size)
    mode = status.st_mode & 0o7777
    nameCount = Int(status.st_nlink)
  }
}
