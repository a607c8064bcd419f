internal import ArgumentParser
internal import Glibc
internal import Recurra
internal import RecurraLayers
internal import RecurraTensor

/// The command-line tool: arguments in, one call of the library, text out.
@main
struct Recur: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recur",
    abstract: "Trains, evaluates and runs recurrent networks.",
    discussion: """
      Results go to standard output, progress and errors to standard error. Exit codes: 0 done, 1 failed, 64 wrong \
      usage, 65 bad data, 66 no input, 73 cannot create a file, 74 reading or writing failed, 129, 130 or 143 ended by \
      a closed terminal, by Control-C or by kill.
      """,
    version: "0.1.0",
    subcommands: [
      Demo.self, Train.self, Evaluate.self, Predict.self, Summary.self, Inspect.self, Convert.self, Plot.self,
    ])

  static func main() {
    Interrupt.catchSignals()
    BLAS.prepareWhereAddressesAreLimited()
    Console.occupyClosedStreams()
    do {
      var command = try parseAsRoot(arguments)
      try EnvironmentSettings.check()
      if !(command is any TrainingCommand) { try Interrupt.letSignalsEndTheProcess() }
      try command.run()
    } catch let error as RecurraError {
      end(error)
    } catch {
      let (text, code) = (fullMessage(for: error), exitCode(for: error))
      guard !text.isEmpty else { Glibc.exit(code.rawValue) }
      guard code.isSuccess else {
        Console.error(text.printable)
        Glibc.exit(code.rawValue)
      }
      do { try Console.output(text + "\n") } catch { end(error) }
    }
  }

  private static func end(_ error: RecurraError) -> Never {
    Console.error("recur: \(error.description.escaped)")
    Glibc.exit(error.kind.exitCode)
  }

  /// The arguments, each with every byte it came with, so that it names the file it is to name.
  ///
  /// A value that stands behind "=" is an argument of its own where it begins with a combining mark: for those who look
  /// at characters, that mark hides the "=".
  private static var arguments: [String] {
    let texts = (1..<max(1, Int(CommandLine.argc))).compactMap { index -> String? in
      guard let argument = unsafe CommandLine.unsafeArgv[index] else { return nil }
      return unsafe PathText.text((0..<strlen(argument)).map { unsafe UInt8(bitPattern: argument[$0]) })
    }
    return texts.flatMap { argument in
      guard argument.hasPrefix("--"), !argument.contains("="),
        let place = argument.utf8.firstIndex(of: UInt8(ascii: "="))
      else { return [argument] }
      return [String(argument.utf8[..<place]), String(argument.utf8[argument.utf8.index(after: place)...])]
        .compactMap { $0 }
    }
  }
}

/// A command that finishes the batch under way when it is asked to end.
protocol TrainingCommand: ParsableCommand {}

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
    default: 1
    }
  }
}
