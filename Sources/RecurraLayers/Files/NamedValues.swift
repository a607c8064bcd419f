/// Values by name, where two names are one only when their bytes in UTF-8 are.
///
/// A dictionary of Swift's texts takes "é" in its two Unicode forms for one name; files and other languages do not.
public struct NamedValues<Value>: ExpressibleByDictionaryLiteral, Sequence {
  private var values: [[UInt8]: Value] = [:]

  /// Makes an empty collection.
  public init() {}

  /// Takes over a dictionary's values.
  public init(_ dictionary: [String: Value]) {
    for (name, value) in dictionary { self[name] = value }
  }

  /// Makes a collection from a literal; of a name that comes twice the last value counts.
  public init(dictionaryLiteral elements: (String, Value)...) {
    for (name, value) in elements { self[name] = value }
  }

  /// The value of a name; nil where there is none, and set to nil to remove it.
  public subscript(name: String) -> Value? {
    get { values[Array(name.utf8)] }
    set { values[Array(name.utf8)] = newValue }
  }

  /// The number of values.
  public var count: Int { values.count }
  /// Tells whether there is no value.
  public var isEmpty: Bool { values.isEmpty }
  /// The names in the order of their bytes.
  public var names: [String] { map(\.name) }

  /// Goes through names and values in the order of the names' bytes.
  public func makeIterator() -> some IteratorProtocol<(name: String, value: Value)> {
    values.sorted { $0.key.lexicographicallyPrecedes($1.key) }.lazy.map { key, value in
      (name: String(decoding: key, as: UTF8.self), value: value)
    }.makeIterator()
  }

  mutating func reserveCapacity(_ count: Int) { values.reserveCapacity(count) }
}

extension NamedValues: Sendable where Value: Sendable {}
extension NamedValues: Equatable where Value: Equatable {}
