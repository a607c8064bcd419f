public import RecurraTensor

/// One thing that a cell can be told, under the name it has in files.
///
/// ```swift
/// static var settings: [CellSetting<Self>] { [.activation("activation", \.activation), .number("leak", \.leak)] }
/// ```
public struct CellSetting<Cell: Sendable>: Sendable {
  /// The name in files: "recurrent_activation".
  public let name: String
  /// What values it takes.
  public let kind: SettingValue.Kind
  /// Tells whether it may be left out, which files do then: a function or a number that there may be none of, or a flag
  /// that is seldom set.
  public let isOptional: Bool
  private let get: @Sendable (Cell) -> SettingValue
  private let set: @Sendable (inout Cell, SettingValue) -> Bool

  private init<Value: Sendable>(
    _ name: String, _ kind: SettingValue.Kind, isOptional: Bool = false,
    _ path: WritableKeyPath<Cell, Value> & Sendable,
    _ wrap: @escaping @Sendable (Value) -> SettingValue, _ unwrap: @escaping @Sendable (SettingValue) -> Value?
  ) {
    (self.name, self.kind, self.isOptional) = (name, kind, isOptional)
    get = { wrap($0[keyPath: path]) }
    set = { cell, value in
      guard let value = unwrap(value) else { return false }
      cell[keyPath: path] = value
      return true
    }
  }

  /// What a cell was told.
  public func value(of cell: Cell) -> SettingValue { get(cell) }

  /// Tells a cell; returns false, and changes nothing, where the value is of another kind.
  @discardableResult
  public func set(_ value: SettingValue, of cell: inout Cell) -> Bool { set(&cell, value) }

  /// An activation of single numbers.
  public static func activation(_ name: String, _ path: WritableKeyPath<Cell, Activation> & Sendable) -> Self {
    Self(name, .activation, path, SettingValue.activation) {
      if case .activation(let value) = $0 { value } else { nil }
    }
  }

  /// An activation of single numbers, or none.
  public static func activation(_ name: String, _ path: WritableKeyPath<Cell, Activation?> & Sendable) -> Self {
    Self(name, .activation, isOptional: true, path) {
      $0.map(SettingValue.activation) ?? .none
    } _: { value in
      switch value {
      case .activation(let value): .some(value)
      case .none: .some(nil)
      default: nil
      }
    }
  }

  /// Something that is so or not.
  public static func flag(_ name: String, _ path: WritableKeyPath<Cell, Bool> & Sendable) -> Self {
    Self(name, .flag, path, SettingValue.flag) { if case .flag(let value) = $0 { value } else { nil } }
  }

  /// Something that is seldom so: files say it only then.
  public static func mark(_ name: String, _ path: WritableKeyPath<Cell, Bool> & Sendable) -> Self {
    Self(name, .flag, isOptional: true, path) {
      $0 ? .flag(true) : .none
    } _: { value in
      switch value {
      case .flag(let value): value
      case .none: false
      default: nil
      }
    }
  }

  /// A finite number.
  public static func number(_ name: String, _ path: WritableKeyPath<Cell, Double> & Sendable) -> Self {
    Self(name, .number, path, SettingValue.number) { if case .number(let value) = $0 { value } else { nil } }
  }

  /// A finite number, or none.
  public static func number(_ name: String, _ path: WritableKeyPath<Cell, Double?> & Sendable) -> Self {
    Self(name, .number, isOptional: true, path) {
      $0.map(SettingValue.number) ?? .none
    } _: { value in
      switch value {
      case .number(let value): .some(value)
      case .none: .some(nil)
      default: nil
      }
    }
  }

  /// A whole number.
  public static func integer(_ name: String, _ path: WritableKeyPath<Cell, Int> & Sendable) -> Self {
    Self(name, .integer, path, SettingValue.integer) { if case .integer(let value) = $0 { value } else { nil } }
  }

  /// A whole number, or none.
  public static func integer(_ name: String, _ path: WritableKeyPath<Cell, Int?> & Sendable) -> Self {
    Self(name, .integer, isOptional: true, path) {
      $0.map(SettingValue.integer) ?? .none
    } _: { value in
      switch value {
      case .integer(let value): .some(value)
      case .none: .some(nil)
      default: nil
      }
    }
  }
}
