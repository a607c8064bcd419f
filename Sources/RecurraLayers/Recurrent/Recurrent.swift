public import RecurraCells
public import RecurraTensor

/// Runs a cell over whole sequences: `LSTM`, `GRU`, `SimpleRNN` and the others are this layer with a cell each, and so
/// is a layer with a cell of one's own.
///
/// ```swift
/// let layer = Recurrent(MyCell(), units: 32, returnSequences: true)
/// ```
///
/// - Shapes: `input` [B, T, I]; result [B, T, H] or [B, H]; states as the cell says.
/// - Throws: `badArgument` for a bad setting when it is built, `badData` for inputs that do not fit.
public final class Recurrent<Cell: RecurrentCell>: RecurrentLayer {
  /// Names the class as the cell does.
  public static var typeName: String { Cell.name }

  /// The arithmetic of a timestep.
  public let cell: Cell
  /// Size, initialisers, and what is given out.
  public let options: RecurrentOptions
  /// Where the parameters are once the layer is built.
  public let state = RecurrentState()

  /// The layer itself.
  public var recurrentParts: RecurrentParts? { RecurrentParts(self, isStackable: true) }

  /// Makes a layer from its parts.
  public init(cell: Cell, options: RecurrentOptions) {
    self.cell = cell
    self.options = options
  }

  /// Makes a layer of a cell with the usual initialisers.
  public convenience init(
    _ cell: Cell, units: Int, useBias: Bool = true, returnSequences: Bool = false, returnState: Bool = false,
    goBackwards: Bool = false
  ) {
    self.init(
      cell: cell,
      options: RecurrentOptions(
        units: units, useBias: useBias, returnSequences: returnSequences, returnState: returnState,
        goBackwards: goBackwards))
  }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    var cell = Cell()
    for setting in Cell.settings {
      setting.set(try configuration.setting(setting.name, default: setting.value(of: cell)), of: &cell)
    }
    self.init(cell: cell, options: try RecurrentOptions(configuration))
  }

  /// Refuses activations that are not elementwise; `build` refuses `units` outside 1...2³¹ − 1 besides.
  public func checkSettings() throws(RecurraError) {
    for setting in Cell.settings {
      if case .activation(let activation) = setting.value(of: cell) { try checkElementwise(activation) }
    }
  }

  /// The cell's settings and the layer's options in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] {
    options.configuration.merging(cell.settingValues.mapValues(JSONValue.init)) { $1 }
  }
}

extension LayerArguments {
  /// Reads a setting of the kind that its default has.
  fileprivate func setting(_ name: String, default value: SettingValue) throws(RecurraError) -> SettingValue {
    switch value {
    case .activation(let value): .activation(try activation(name, default: value, isElementwise: true))
    case .flag(let value): .flag(try bool(name, default: value))
    case .number(let value): .number(try number(name, default: value))
    case .integer(let value): .integer(try integer(name, default: value))
    }
  }
}

extension JSONValue {
  fileprivate init(_ setting: SettingValue) {
    switch setting {
    case .activation(let value): self = .string(value.rawValue)
    case .flag(let value): self = .bool(value)
    case .number(let value): self = .number(value)
    case .integer(let value): self = .integer(value)
    }
  }
}
