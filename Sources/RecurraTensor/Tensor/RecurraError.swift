internal import Glibc

/// Says what went wrong with something that came from outside: data, a file, an argument.
///
/// Every error names the operation, what it expected and what it got, so that a log line is enough to act on.
public struct RecurraError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Sorts errors by what a caller can do about them.
  ///
  /// Further kinds may come, so a `switch` over one needs a `default`.
  public struct Kind: RawRepresentable, Sendable, Hashable, Codable, CustomStringConvertible {
    private enum Name: String, Sendable {
      case badData
      case badFile
      case noInput
      case cannotCreate
      case inputOutput
      case notFinite
      case badArgument
      case outOfMemory
    }

    private let name: Name

    private init(_ name: Name) { self.name = name }

    /// Finds a kind by its name; nil for a name that no kind has.
    public init?(rawValue: String) {
      guard let name = Name(rawValue: rawValue) else { return nil }
      self.name = name
    }

    /// Data of the wrong shape, type, range or content.
    public static var badData: Kind { Kind(.badData) }
    /// A file that is damaged, or not what its name says.
    public static var badFile: Kind { Kind(.badFile) }
    /// A file that is not there or cannot be read.
    public static var noInput: Kind { Kind(.noInput) }
    /// A file that cannot be created.
    public static var cannotCreate: Kind { Kind(.cannotCreate) }
    /// Reading or writing failed half way.
    public static var inputOutput: Kind { Kind(.inputOutput) }
    /// A loss or weight that is not finite any more.
    public static var notFinite: Kind { Kind(.notFinite) }
    /// An option with a value outside its range.
    public static var badArgument: Kind { Kind(.badArgument) }
    /// Memory, address space or threads that the system does not give.
    public static var outOfMemory: Kind { Kind(.outOfMemory) }

    /// The name.
    public var rawValue: String { name.rawValue }
    /// The name.
    public var description: String { rawValue }
  }

  /// What kind of error this is.
  public let kind: Kind
  /// The operation that refused, with the file and offset where there is one.
  public let operation: String
  /// What the operation needed.
  public let expected: String
  /// What it was given.
  public let got: String

  /// Makes an error from its parts; each is kept as one line of bounded length, because files put their own text in.
  public init(_ kind: Kind, operation: String, expected: String, got: String) {
    self.kind = kind
    self.operation = operation.oneLine
    self.expected = expected.oneLine
    self.got = got.oneLine
  }

  /// The three parts in one line.
  public var description: String { "\(operation): expected \(expected), got \(got)" }
}

/// Stops the program at a programmer's mistake, in the words of every other error.
@inline(__always)
package func check(
  _ condition: Bool, _ operation: @autoclosure () -> String, expected: @autoclosure () -> String,
  got: @autoclosure () -> String
) {
  if !condition { stop(operation(), expected: expected(), got: got()) }
}

/// Stops the program; says why on standard error, because an optimised build does not print the message of a
/// precondition.
@inline(never)
package func stop(_ operation: String, expected: String, got: String) -> Never {
  var message = "\(operation): expected \(expected), got \(got)\n"
  message.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
  preconditionFailure()
}
