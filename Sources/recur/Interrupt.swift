internal import ArgumentParser
internal import Glibc
internal import Recurra
internal import Synchronization

/// Control-C while a model is trained: the batch under way is finished, then the run ends.
enum Interrupt {
  private static let isRequested = Atomic<Bool>(false)

  /// Tells whether somebody has asked for the end.
  static var hasCome: Bool { isRequested.load(ordering: .relaxed) }

  /// The exit code of a program that was interrupted.
  static let exitCode = ExitCode(130)

  /// Takes the next SIGINT as a request; the one after it ends the process at once.
  static func catchNext() {
    var action = sigaction()
    unsafe action.__sigaction_handler.sa_handler = { _ in Interrupt.isRequested.store(true, ordering: .relaxed) }
    action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND)) | SA_RESTART
    unsafe sigaction(SIGINT, &action, nil)
    // Whoever starts this process may do so from a thread that blocks signals, and the block is inherited.
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    unsafe sigaddset(&signals, SIGINT)
    unsafe sigprocmask(SIG_UNBLOCK, &signals, nil)
  }

  /// Ends a training run after the batch in which the request has come. Nothing is validated any more: that may take long.
  final class Watch: Callback {
    func onTrainBatchEnd(_ batch: Int, _ logs: Logs, _ trainer: Trainer) throws(RecurraError) {
      guard Interrupt.hasCome else { return }
      throw RecurraError(.badArgument, operation: "fit", expected: "to go on", got: "an interruption")
    }
  }
}

extension Trainer {
  /// Trains as `body` says and returns the history; when interrupted, that of the epochs which were finished.
  func interruptible(
    _ body: (_ watch: any Callback) throws(RecurraError) -> History
  ) throws(RecurraError) -> History {
    Interrupt.catchNext()
    do throws(RecurraError) {
      return try body(Interrupt.Watch())
    } catch {
      guard Interrupt.hasCome, let history else { throw error }
      return history
    }
  }
}
