import Glibc

/// The environment of the child process of an exit test; the engine reads it at its first use.
enum ProcessEnvironment {
  static func set(_ name: String, _ value: String) { setenv(name, value, 1) }
}

/// Runs `body(0)` … `body(count - 1)`, each on a thread of its own, all at once; Swift's own pool has as many threads as cores.
func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
  final class Task: Sendable {
    let index: Int
    let body: @Sendable (Int) -> Void
    init(_ index: Int, _ body: @escaping @Sendable (Int) -> Void) { (self.index, self.body) = (index, body) }
  }
  let threads = (0..<count).map { index in
    var thread = pthread_t()
    let task = Unmanaged.passRetained(Task(index, body))
    let status = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        let task = Unmanaged<Task>.fromOpaque(argument).takeRetainedValue()
        task.body(task.index)
        return nil
      }, task.toOpaque())
    precondition(status == 0)
    return thread
  }
  for thread in threads { pthread_join(thread, nil) }
}
