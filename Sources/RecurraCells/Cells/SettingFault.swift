/// What is wrong with a setting of a cell.
public struct SettingFault: Sendable {
  /// The setting's name in files.
  public let setting: String
  /// What it should be.
  public let expected: String
  /// What it is.
  public let got: String

  /// Describes a fault.
  public init(_ setting: String, expected: String, got: String) {
    (self.setting, self.expected, self.got) = (setting, expected, got)
  }

  /// The fault of a bound that is none.
  static func bound(_ setting: String, _ value: Double?) -> SettingFault? {
    guard let value, !(value > 0 && value.isFinite) else { return nil }
    return SettingFault(setting, expected: "a number above 0", got: "\(value)")
  }
}
