internal import Recurra

/// An option that is given once, or once for each input or output of the model with its name in front: NAME=VALUE.
struct NamedOption {
  /// The option as it is written: "--data".
  let option: String
  private let values: [(name: String?, text: String)]

  /// - Parameter isNamed: Whether names stand in front; a text without them may have a "=" of its own.
  init(_ option: String, _ texts: [String], isNamed: Bool) throws(RecurraError) {
    self.option = option
    var values: [(name: String?, text: String)] = []
    for text in texts {
      guard isNamed else {
        values.append((nil, text))
        continue
      }
      guard let sign = text.utf8.firstIndex(of: UInt8(ascii: "=")), let name = String(text.utf8[..<sign]),
        let value = String(text.utf8[text.utf8.index(after: sign)...])
      else { throw Self.failure(option, expected: "NAME=VALUE, where there are several", got: text) }
      values.append((name, value))
    }
    self.values = values
  }

  /// The texts alone.
  var texts: [String] { values.map(\.text) }

  /// The text for each of the model's inputs or outputs; nil for one that is not named.
  ///
  /// - Parameters:
  ///   - names: those of the inputs or outputs.
  ///   - kind: what they are, for errors: "inputs".
  ///   - isComplete: whether each of them must have a text.
  /// - Throws: `badArgument` for a name that there is not or that stands twice, and for one that is missing.
  func texts(for names: [String], _ kind: String, isComplete: Bool) throws(RecurraError) -> [String?] {
    let list = "\(names.count) \(kind): \(names.map(\.excerpt).joined(separator: ", "))"
    if values.count <= 1, values.allSatisfy({ $0.name == nil }), names.count == 1 || values.isEmpty && !isComplete {
      return names.indices.map { $0 < values.count ? withoutName(values[$0].text, names[$0]) : nil }
    }
    var texts = [String?](repeating: nil, count: names.count)
    for (name, text) in values {
      let index = name.flatMap { name in names.firstIndex { $0.utf8.elementsEqual(name.utf8) } }
      guard let index, texts[index] == nil else {
        throw Self.failure(option, expected: "NAME=VALUE for each of \(list)", got: name.map(\.excerpt) ?? text)
      }
      texts[index] = text
    }
    if isComplete, let missing = texts.firstIndex(of: nil) {
      throw Self.failure(option, expected: "NAME=VALUE for each of \(list)", got: "none for \(names[missing].excerpt)")
    }
    return texts
  }

  /// The text of the only value there can be; its name may stand in front, where no file is called so.
  private func withoutName(_ text: String, _ name: String) -> String {
    let prefix = Array("\(name)=".utf8)
    guard text.utf8.starts(with: prefix), !FileIdentity.exists(text) else { return text }
    return String(text.utf8.dropFirst(prefix.count)) ?? text
  }

  private static func failure(_ option: String, expected: String, got: String) -> RecurraError {
    RecurraError(.badArgument, operation: option, expected: expected, got: got)
  }
}
