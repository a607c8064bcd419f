import Glibc

/// Runs `body` on a thread whose stack has 128 KiB, as servers give to those that answer requests.
func onSmallStack<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) throws -> Result {
  let work = Work(body)
  var (thread, attributes) = (pthread_t(), pthread_attr_t())
  pthread_attr_init(&attributes)
  defer { pthread_attr_destroy(&attributes) }
  precondition(pthread_attr_setstacksize(&attributes, 128 << 10) == 0)
  let status = pthread_create(
    &thread, &attributes,
    { argument in
      guard let argument else { return nil }
      let work = Unmanaged<Work>.fromOpaque(argument).takeUnretainedValue()
      work.result = Swift.Result { try work.body() }
      return nil
    }, Unmanaged.passUnretained(work).toOpaque())
  precondition(status == 0, "pthread_create: expected 0, got \(status)")
  pthread_join(thread, nil)
  guard let result = try work.result?.get() as? Result else { preconditionFailure("the thread left no result") }
  return result
}

/// What a thread is to do, and what it came to.
private final class Work {
  let body: @Sendable () throws -> any Sendable
  var result: Swift.Result<any Sendable, any Error>?

  init(_ body: @escaping @Sendable () throws -> any Sendable) { self.body = body }
}
