internal import RecurraLayers
internal import RecurraTensor

/// An entry of a list of PyTorch's modules: a class, where its tensors are, and its constructor's arguments.
struct TorchModule {
  /// The class, or `take_last`, `take_mean`.
  let kind: String
  /// What its tensors' names begin with; "" for the bare names.
  let prefix: String
  let json: JSONValue
  private let arguments: [(name: String, value: JSONValue)]
  private let place: String

  /// Reads an entry.
  ///
  /// - Parameters:
  ///   - json: The entry.
  ///   - place: Names it in errors: "read net.json, module 2".
  init(_ json: JSONValue, place: String) throws(RecurraError) {
    guard case .object(let members) = json, case .string(let kind)? = json["module"] else {
      throw RecurraError(.badFile, operation: place, expected: "an object with a text as \"module\"", got: json.kind)
    }
    switch json["prefix"] {
    case .string(let text)?: prefix = text
    case nil, .null?: prefix = ""
    case let other?:
      throw RecurraError(.badFile, operation: place, expected: "a text as \"prefix\"", got: other.kind)
    }
    let parts = kind.split(separator: ".")
    self.kind = parts.last.map(String.init) ?? kind
    self.json = json
    self.place = "\(place), \(kind.excerpt)"
    arguments = members.filter { !["module", "prefix"].contains($0.name) }
  }

  /// The name of one of the module's tensors.
  func tensorName(_ name: String) -> String { prefix.isEmpty ? name : "\(prefix).\(name)" }

  /// Refuses arguments that the class does not have, but for those that say nothing of values.
  func allow(_ names: String...) throws(RecurraError) { try allow(names) }

  func allow(_ names: [String]) throws(RecurraError) {
    let harmless = ["device", "dtype", "inplace"]
    for (name, value) in arguments where !names.contains(name) && !harmless.contains(name) {
      throw failure("one of the arguments \(names.joined(separator: ", "))", "\(name.excerpt) = \(value.kind)")
    }
  }

  func value(_ name: String) -> JSONValue? {
    guard let value = arguments.first(where: { $0.name == name })?.value, value != .null else { return nil }
    return value
  }

  func bool(_ name: String, default standard: Bool) throws(RecurraError) -> Bool {
    switch value(name) {
    case nil: return standard
    case .bool(let truth)?: return truth
    case .integer(let number)? where number == 0 || number == 1: return number == 1
    case let other?: throw failure("true or false as \(name)", other.kind)
    }
  }

  /// A whole number of a range; an error where there is none and no default.
  func integer(_ name: String, default standard: Int? = nil, in range: ClosedRange<Int>) throws(RecurraError) -> Int {
    guard let value = value(name) else {
      guard let standard else { throw failure("a whole number as \(name)", "nothing") }
      return standard
    }
    // PyTorch takes a tuple of one for what has one axis.
    let single: JSONValue
    if case .array(let elements) = value, elements.count == 1 { single = elements[0] } else { single = value }
    guard case .integer(let number) = single, range.contains(number) else {
      throw failure("\(name) in \(range)", text(of: value))
    }
    return number
  }

  /// A size.
  func size(_ name: String) throws(RecurraError) -> Int { try integer(name, in: 1...Int(Int32.max)) }

  func number(_ name: String, default standard: Double, in range: ClosedRange<Double>) throws(RecurraError) -> Double {
    let number: Double
    switch value(name) {
    case nil: return standard
    case .integer(let integer)?: number = Double(integer)
    case .number(let double)?: number = double
    case let other?: throw failure("a number as \(name)", other.kind)
    }
    guard range.contains(number) else { throw failure("\(name) in \(range)", "\(number)") }
    return number
  }

  func string(_ name: String, default standard: String) throws(RecurraError) -> String {
    switch value(name) {
    case nil: return standard
    case .string(let text)?: return text
    case let other?: throw failure("a text as \(name)", other.kind)
    }
  }

  private func text(of value: JSONValue) -> String {
    if case .integer(let number) = value { return "\(number)" }
    return value.kind
  }

  /// An error about this module.
  func failure(_ expected: String, _ got: String) -> RecurraError {
    RecurraError(.badFile, operation: place, expected: expected, got: got)
  }
}
