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
    returnMemories: Bool = false, goBackwards: Bool = false, zeroOutputForMask: Bool = false, stateful: Bool = false,
    learnsInitialState: Bool = false, noise: RecurrentNoise = RecurrentNoise()
  ) {
    self.init(
      cell: cell,
      options: RecurrentOptions(
        units: units, useBias: useBias, returnSequences: returnSequences, returnState: returnState,
        returnMemories: returnMemories, goBackwards: goBackwards, zeroOutputForMask: zeroOutputForMask,
        stateful: stateful,
        learnsInitialState: learnsInitialState, noise: noise))
  }

  /// Makes the layer from its arguments in a file.
  public convenience init(configuration: LayerArguments) throws(RecurraError) {
    var cell = Cell()
    for setting in Cell.settings {
      let standard = setting.value(of: cell)
      setting.set(try configuration.setting(setting.name, setting.kind, default: standard), of: &cell)
    }
    self.init(cell: cell, options: try RecurrentOptions(configuration))
  }

  /// Refuses activations that are not elementwise; `build` refuses `units` outside 1...2³¹ − 1 besides.
  public func checkSettings() throws(RecurraError) {
    for setting in Cell.settings {
      if case .activation(let activation) = setting.value(of: cell) { try checkElementwise(activation) }
    }
    if let fault = cell.fault(units: options.units) {
      throw failure(.badArgument, expected: "\(fault.setting) \(fault.expected)", got: fault.got)
    }
  }

  /// The cell's settings and the layer's options in Keras' names, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] {
    options.configuration.merging(cell.settingValues.compactMapValues(JSONValue.init)) { $1 }
  }
}

extension LayerArguments {
  /// Reads a setting.
  fileprivate func setting(
    _ name: String, _ kind: SettingValue.Kind, default standard: SettingValue
  ) throws(RecurraError) -> SettingValue {
    if value(name) == nil, values[name] == nil || kind != .activation || standard == .none { return standard }
    return switch kind {
    case .activation: .activation(try activation(name, isElementwise: true))
    case .flag: .flag(try bool(name))
    case .number: .number(try number(name))
    case .integer: .integer(try integer(name))
    }
  }
}

extension JSONValue {
  /// Nothing for what is left out.
  fileprivate init?(_ setting: SettingValue) {
    switch setting {
    case .none: return nil
    case .activation(let value): self = .string(value.rawValue)
    case .flag(let value): self = .bool(value)
    case .number(let value): self = .number(value)
    case .integer(let value): self = .integer(value)
    }
  }
}
