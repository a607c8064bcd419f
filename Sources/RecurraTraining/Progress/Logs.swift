/// The numbers of a batch or an epoch by name, in the order in which they are shown: "accuracy", "loss", "val_accuracy", …
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
