/// The arithmetic of one timestep of a recurrent layer; a further cell is one file that conforms to `GatedCell` or
/// `ComposedCell`.
///
/// A cell says what it can be told, which states it carries, which parameters it has, and what a step does with them.
/// The loop over timesteps, directions, padding, threads, training and files are not its business.
public protocol RecurrentCell: Sendable {
  /// Names the layer of this cell in files: "LSTM".
  static var name: String { get }
  /// What the cell can be told: files, equality and documentation follow from this one list.
  static var settings: [CellSetting<Self>] { get }
  /// Makes a cell with its default settings.
  init()

  /// What is wrong with the settings, which `build` of a layer then throws; nil for nothing.
  func fault(units: Int) -> SettingFault?
  /// The numbers of each state for a number of units: h, which is the output, then those that stay inside.
  func stateWidths(units: Int) -> [Int]
  /// The parameters by name: all of a composed cell, those beside `[W; U]` and the bias of a gated one.
  func parameters(inputs: Int, units: Int) -> [CellParameter]
  /// How a step is computed.
  var arithmetic: CellArithmetic { get }
}

/// How a cell computes a step; each conformance answers for itself.
public enum CellArithmetic: Sendable {
  /// In tensor operations.
  case composed(any ComposedCell)
  /// By products into a gate buffer, and gates over its rows.
  case gated(any GatedCell)
}

/// What most cells are: one state as wide as there are units, no settings, no parameters of their own.
extension RecurrentCell {
  /// The name of the type.
  public static var name: String { "\(Self.self)" }
  /// None.
  public static var settings: [CellSetting<Self>] { [] }
  /// Nothing: activations are checked by the layer.
  public func fault(units: Int) -> SettingFault? { nil }
  /// h alone, [H].
  public func stateWidths(units: Int) -> [Int] { [units] }
  /// None.
  public func parameters(inputs: Int, units: Int) -> [CellParameter] { [] }

  /// The number of states: 1 for h, 2 for h and c.
  public var stateCount: Int { stateWidths(units: 1).count }
  /// What the settings are, by their names.
  public var settingValues: [String: SettingValue] {
    Dictionary(uniqueKeysWithValues: Self.settings.map { ($0.name, $0.value(of: self)) })
  }
}

extension RecurrentCell {
  /// About how many numbers a unit keeps of a timestep for the way back: gates and states.
  package var numbersPerUnit: Int {
    if case .gated(let cell) = arithmetic { return cell.slotCount + stateCount + cell.savedCount(units: 1) }
    return 8 * stateCount
  }
}
