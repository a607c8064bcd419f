/// How much `fit` and `evaluate` say while they work; more ways may come.
public struct Verbosity: RawRepresentable, Sendable, Hashable, Codable, CustomStringConvertible {
  private enum Level: Int {
    case silent = 0
    case bar = 1
    case linePerEpoch = 2
    case auto = -1
  }

  /// Nothing.
  public static let silent = Verbosity(level: .silent)
  /// A bar that is drawn over, with the time left.
  public static let bar = Verbosity(level: .bar)
  /// One line at the end of every epoch.
  public static let linePerEpoch = Verbosity(level: .linePerEpoch)
  /// A bar on a terminal, lines elsewhere.
  public static let auto = Verbosity(level: .auto)

  private let level: Level

  /// Keras' number for it.
  public var rawValue: Int { level.rawValue }
  /// The name.
  public var description: String { "\(level)" }

  private init(level: Level) { self.level = level }

  /// Finds a verbosity by Keras' number; nil when there is none.
  public init?(rawValue: Int) {
    guard let level = Level(rawValue: rawValue) else { return nil }
    self.level = level
  }

  package func resolved(for output: ProgressOutput) -> Verbosity {
    self == .auto ? (output.isTerminal ? .bar : .linePerEpoch) : self
  }
}
