public import RecurraTensor

/// One thing that a cell can be told, under the name it has in files.
///
/// ```swift
/// static var settings: [CellSetting<Self>] { [.activation("activation", \.activation), .number("leak", \.leak)] }
/// ```
public struct CellSetting<Cell: Sendable>: Sendable {
  /// The name in files: "recurrent_activation".
  public let name: String
  private let get: @Sendable (Cell) -> SettingValue
  private let set: @Sendable (inout Cell, SettingValue) -> Bool

  private init<Value: Sendable>(
    _ name: String, _ path: WritableKeyPath<Cell, Value> & Sendable,
    _ wrap: @escaping @Sendable (Value) -> SettingValue, _ unwrap: @escaping @Sendable (SettingValue) -> Value?
  ) {
    self.name = name
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
    Self(name, path, SettingValue.activation) { if case .activation(let value) = $0 { value } else { nil } }
  }

  /// Something that is so or not.
  public static func flag(_ name: String, _ path: WritableKeyPath<Cell, Bool> & Sendable) -> Self {
    Self(name, path, SettingValue.flag) { if case .flag(let value) = $0 { value } else { nil } }
  }

  /// A finite number.
  public static func number(_ name: String, _ path: WritableKeyPath<Cell, Double> & Sendable) -> Self {
    Self(name, path, SettingValue.number) { if case .number(let value) = $0 { value } else { nil } }
  }

  /// A whole number.
  public static func integer(_ name: String, _ path: WritableKeyPath<Cell, Int> & Sendable) -> Self {
    Self(name, path, SettingValue.integer) { if case .integer(let value) = $0 { value } else { nil } }
  }
}
