internal import ArgumentParser
internal import Glibc
internal import Recurra
internal import Synchronization

/// Signals that ask a process to end: Control-C, `kill`, a terminal that is closed.
///
/// They are caught from the first line of the program on, so that none of them comes too early. Training then finishes
/// the batch under way; every other command ends at once.
enum Interrupt {
  private static let received = Atomic<Int32>(0)
  private static let signals = [SIGINT, SIGTERM, SIGHUP]

  /// Tells whether the process was asked to end.
  static var hasCome: Bool { received.load(ordering: .relaxed) != 0 }

  /// The exit code that shells give a program which a signal has ended: 130 for Control-C, 143 for `kill`.
  static var exitCode: ExitCode { ExitCode(128 + received.load(ordering: .relaxed)) }

  /// Takes the next signal as a request; the one after it ends the process at once.
  ///
  /// A signal that the process was started to ignore stays ignored, as `nohup` and background jobs need it.
  static func catchSignals() {
    // The handler may read the number only when nothing is left to initialise there.
    _ = hasCome
    for signal in signals where !isIgnored(signal) {
      setAction(
        of: signal,
        to: { (signal: Int32) in
          if Interrupt.hasCome { _exit(128 + signal) }
          Interrupt.received.store(signal, ordering: .relaxed)
        })
    }
    // Whoever starts this process may do so from a thread that blocks signals, and the block is inherited.
    var blocked = sigset_t()
    unsafe sigemptyset(&blocked)
    for signal in signals { unsafe sigaddset(&blocked, signal) }
    unsafe sigprocmask(SIG_UNBLOCK, &blocked, nil)
    // Both come from writing, which then fails with a reason: EPIPE, EFBIG.
    for signal in [SIGPIPE, SIGXFSZ] { setAction(of: signal, to: SIG_IGN) }
  }

  /// Lets signals end the process again, for work that leaves nothing half done.
  static func letSignalsEndTheProcess() throws(ExitCode) {
    for signal in signals where !isIgnored(signal) { setAction(of: signal, to: SIG_DFL) }
    if hasCome { throw exitCode }
  }

  /// Ends the run when the request has come and there is nothing yet that is worth saving.
  static func checkBeforeTraining() throws {
    guard hasCome else { return }
    Console.error("recur: interrupted before the first batch, so nothing is saved")
    throw exitCode
  }

  private static func setAction(of signal: Int32, to handler: (@convention(c) (Int32) -> Void)?) {
    var action = sigaction()
    unsafe action.__sigaction_handler.sa_handler = handler
    action.sa_flags = SA_RESTART
    unsafe sigaction(signal, &action, nil)
  }

  private static func isIgnored(_ signal: Int32) -> Bool {
    var action = sigaction()
    unsafe sigaction(signal, nil, &action)
    let handlers = unsafe [action.__sigaction_handler.sa_handler, SIG_IGN].map {
      unsafe unsafeBitCast($0, to: Int.self)
    }
    return handlers[0] == handlers[1]
  }

  /// Ends a training run after the batch in which the request has come. Nothing is validated any more: that may take
  /// long.
  final class Watch: Callback {
    /// Tells whether the weights have changed since the run began.
    private(set) var hasTrained = false
    private static var interruption: RecurraError {
      RecurraError(.badArgument, operation: "fit", expected: "to go on", got: "an interruption")
    }

    func onTrainBatchEnd(_ batch: Int, _ logs: Logs, _ trainer: Trainer) throws(RecurraError) {
      hasTrained = true
      if Interrupt.hasCome { throw Self.interruption }
    }

    /// Keeps the numbers of an epoch that was validated when the request came, and begins no further batch.
    func onTrainBatchBegin(_ batch: Int, _ trainer: Trainer) throws(RecurraError) {
      if hasTrained, Interrupt.hasCome { throw Self.interruption }
    }
  }
}

extension Trainer {
  /// Trains as `body` says and returns the history; when interrupted, that of the epochs which were finished.
  ///
  func interruptible(_ body: (_ watch: any Callback) throws(RecurraError) -> History) throws -> History {
    try Interrupt.checkBeforeTraining()
    let watch = Interrupt.Watch()
    do throws(RecurraError) {
      return try body(watch)
    } catch {
      guard Interrupt.hasCome, let history, watch.hasTrained else { throw error }
      return history
    }
  }
}
