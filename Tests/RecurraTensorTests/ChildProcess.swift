import Glibc

/// The environment of the child process of an exit test; the engine reads it at its first use.
enum ProcessEnvironment {
  static func set(_ name: String, _ value: String) { setenv(name, value, 1) }
}

/// Runs `body(0)` … `body(count - 1)`, each on a thread of its own, all at once; Swift's own pool has as many threads
/// as cores.
func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
  let threads = (0..<count).map { index in onThread { body(index) } }
  for thread in threads { pthread_join(thread, nil) }
}

/// Starts a thread that runs `body`.
func onThread(_ body: @escaping @Sendable () -> Void) -> pthread_t {
  final class Task: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
  var thread = pthread_t()
  let status = pthread_create(
    &thread, nil,
    { argument in
      guard let argument else { return nil }
      Unmanaged<Task>.fromOpaque(argument).takeRetainedValue().body()
      return nil
    }, Unmanaged.passRetained(Task(body)).toOpaque())
  precondition(status == 0)
  return thread
}
