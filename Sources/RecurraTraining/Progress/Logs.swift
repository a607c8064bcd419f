/// The numbers of a batch or an epoch by name, in the order in which they are shown: "accuracy", "loss",
/// "val_accuracy", …
public struct Logs: Sendable, Equatable, Sequence {
  /// The names, in order.
  public private(set) var names: [String] = []
  private var values: [Double] = []

  /// Makes logs without numbers.
  public init() {}

  /// The number of a name; setting one that is new puts it last.
  public subscript(name: String) -> Double? {
    get { names.firstIndex(of: name).map { values[$0] } }
    set {
      if let index = names.firstIndex(of: name) {
        if let newValue {
          values[index] = newValue
        } else {
          names.remove(at: index)
          values.remove(at: index)
        }
      } else if let newValue {
        names.append(name)
        values.append(newValue)
      }
    }
  }

  /// The loss.
  public var loss: Double? { self["loss"] }

  /// Goes through names and numbers, in order.
  public func makeIterator() -> Zip2Sequence<[String], [Double]>.Iterator { zip(names, values).makeIterator() }

  /// The same numbers with a prefix before every name.
  func prefixed(_ prefix: String) -> Logs {
    var result = self
    result.names = names.map { prefix + $0 }
    return result
  }

  /// Adds all numbers of other logs.
  mutating func append(_ other: Logs) { for (name, value) in other { self[name] = value } }
}

extension Logs: CustomStringConvertible {
  /// The numbers in one line, as the progress bar shows them: "accuracy: 0.9123 - loss: 0.2311".
  public var description: String { map { "\($0): \(progressText($1))" }.joined(separator: " - ") }
}

extension Logs: Codable {
  private struct Name: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// Reads an object of numbers, null as NaN; the names come in alphabetical order.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Name.self)
    for name in container.allKeys.sorted(by: { $0.stringValue < $1.stringValue }) {
      self[name.stringValue] = try container.decode(Double?.self, forKey: name) ?? .nan
    }
  }

  /// Writes an object of numbers; one that is NaN or infinite, for which JSON has no word, becomes null.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Name.self)
    for (name, value) in self { try container.encode(value.finite, forKey: Name(stringValue: name)) }
  }
}

extension Double {
  /// The number, or nil where it is NaN or infinite.
  var finite: Double? { isFinite ? self : nil }
}
