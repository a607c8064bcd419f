internal import RecurraLayers
internal import RecurraTensor

/// A layer's arguments in Keras' names, read back.
struct ExportSettings {
  private let values: [String: JSONValue]

  init(_ layer: any Layer) { values = layer.configuration }

  init(_ values: [String: JSONValue]) { self.values = values }

  subscript(_ name: String) -> JSONValue? { values[name] == .null ? nil : values[name] }

  func flag(_ name: String, default standard: Bool = false) -> Bool {
    if case .bool(let truth)? = self[name] { return truth }
    return standard
  }

  func number(_ name: String) -> Double? {
    switch self[name] {
    case .number(let number)?: number
    case .integer(let number)?: Double(number)
    default: nil
    }
  }

  func integer(_ name: String) -> Int? { integers(name).first }

  /// A list of whole numbers; one alone is a list too.
  func integers(_ name: String) -> [Int] {
    switch self[name] {
    case .integer(let number)?: [number]
    case .array(let elements)?: elements.compactMap { if case .integer(let number) = $0 { number } else { nil } }
    default: []
    }
  }

  func text(_ name: String) -> String? {
    if case .string(let text)? = self[name] { return text }
    return nil
  }

  func activation(_ name: String, default standard: Activation = .linear) -> Activation {
    text(name).flatMap { Activation(rawValue: $0) } ?? standard
  }
}
