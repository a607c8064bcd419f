internal import CRecurraKernels
internal import Glibc

extension Threads {
  /// Runs `body` where the stack has room for it: on this thread, or on one of its own, which this one waits for.
  ///
  /// OpenBLAS keeps 60 KiB of every thread's stack for itself, and a debug build keeps all temporaries of a function in
  /// its frame. So what a release build does on the stack of a caller with 128 KiB needs more in a debug build.
  @inlinable @inline(__always)
  package static func withRoom<Result>(_ body: () -> Result) -> Result {
    #if DEBUG
      return withRoomForDebugging(body)
    #else
      return body()
    #endif
  }

  /// The same for what may throw.
  @inlinable @inline(__always)
  package static func withRoom<Success>(
    orThrow body: () throws(RecurraError) -> Success
  ) throws(RecurraError) -> Success {
    #if DEBUG
      let result: Result<Success, RecurraError> = withRoom {
        do throws(RecurraError) { return .success(try body()) } catch { return .failure(error) }
      }
      return try result.get()
    #else
      return try body()
    #endif
  }
}

#if DEBUG
  extension Threads {
    @usableFromInline
    static func withRoomForDebugging<Result>(_ body: () -> Result) -> Result {
      if recurra_stack_left() < leastRoom, let result = runElsewhere(body) { return result }
      return body()
    }
  }

  /// Bytes of stack that a call may take in a debug build.
  private let leastRoom = 256 << 10

  /// Runs `body` on a thread with a stack of ordinary size; nil where there is none to be had.
  private func runElsewhere<Result>(_ body: () -> Result) -> Result? {
    withoutActuallyEscaping(body) { body in
      let detour = Detour(body)
      return detour.run() ? detour.result : nil
    }
  }

  /// A closure to run on another thread, and its result.
  private final class Detour<Result> {
    private let body: () -> Result
    private(set) var result: Result?

    init(_ body: @escaping () -> Result) { self.body = body }

    /// Runs it, and waits for its end; returns false where no thread could be started.
    func run() -> Bool {
      var (thread, attributes) = (pthread_t(), pthread_attr_t())
      pthread_attr_init(&attributes)
      defer { pthread_attr_destroy(&attributes) }
      pthread_attr_setstacksize(&attributes, Threads.stackBytes)
      let box = Unmanaged.passRetained(Closure { [self] in result = body() })
      let status = pthread_create(
        &thread, &attributes,
        { argument in
          guard let argument else { return nil }
          Unmanaged<Closure>.fromOpaque(argument).takeRetainedValue().body()
          return nil
        }, box.toOpaque())
      guard status == 0 else {
        box.release()
        return false
      }
      pthread_join(thread, nil)
      return true
    }
  }

  private final class Closure {
    let body: () -> Void

    init(_ body: @escaping () -> Void) { self.body = body }
  }
#endif
