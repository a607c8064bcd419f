public import RecurraTensor

/// What a setting of a cell holds.
public enum SettingValue: Sendable, Hashable {
  /// An activation of single numbers.
  case activation(Activation)
  /// Something that is so or not.
  case flag(Bool)
  /// A finite number.
  case number(Double)
  /// A whole number.
  case integer(Int)
  /// Nothing, where a setting may be left out.
  case none

  /// The kinds of values.
  public enum Kind: Sendable {
    /// An activation of single numbers.
    case activation
    /// Something that is so or not.
    case flag
    /// A finite number.
    case number
    /// A whole number.
    case integer
  }
}
