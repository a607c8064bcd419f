internal import ArgumentParser
internal import Recurra

/// The command-line tool: arguments in, one call of the library, text out.
@main
struct Recur: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recur",
    abstract: "Trains, evaluates and runs recurrent networks.",
    discussion: """
      Results go to standard output, progress and errors to standard error. Exit codes: 0 done, 1 failed, 64 wrong usage, \
      65 bad data, 66 no input, 73 cannot create a file, 74 reading or writing failed, 130 interrupted.
      """,
    version: "0.1.0",
    subcommands: [Demo.self, Train.self, Evaluate.self, Predict.self, Summary.self, Plot.self])

  static func main() {
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let error as RecurraError {
      Console.error("recur: \(error)")
      exit(withError: ExitCode(error.kind.exitCode))
    } catch {
      exit(withError: error)
    }
  }
}

extension RecurraError.Kind {
  /// The codes of BSD's sysexits.h.
  fileprivate var exitCode: Int32 {
    switch self {
    case .notFinite: 1
    case .badArgument: 64
    case .badData, .badFile: 65
    case .noInput: 66
    case .cannotCreate: 73
    case .inputOutput: 74
    }
  }
}
