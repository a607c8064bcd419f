public import RecurraLayers
internal import RecurraTensor

/// The training room's part of the registry: what a trainer's file may name.
extension Registry {
  private enum Kind {
    static let optimizer = "optimizer"
    static let callback = "callback"
  }

  /// Makes an optimiser's rule of one's own known by its `name`.
  public mutating func register(_ rule: any OptimizerRule.Type) {
    self[Kind.optimizer, rule.name] = RuleType(type: rule)
  }

  /// Returns a registry that also knows an optimiser's rule of one's own.
  public func adding(_ rule: any OptimizerRule.Type) -> Registry {
    var result = self
    result.register(rule)
    return result
  }

  /// Returns a registry that also knows a callback of one's own.
  public func adding(_ callback: any (RestorableCallback & SendableMetatype).Type) -> Registry {
    var result = self
    result.register(callback)
    return result
  }

  /// Makes a callback of one's own known by its `typeName`.
  public mutating func register(_ callback: any (RestorableCallback & SendableMetatype).Type) {
    self[Kind.callback, callback.typeName] = CallbackType(type: callback)
  }

  /// Makes an optimiser again that wrote its `configuration`.
  func optimizer(_ configuration: JSONValue) throws(RecurraError) -> Optimizer {
    guard case .string(let name)? = configuration["class_name"], let rule = self[Kind.optimizer, name] as? RuleType
    else { return try Optimizer(configuration: configuration) }
    return try Optimizer(configuration: configuration, rules: [rule.type])
  }

  /// Makes a callback again; nil for one that cannot be made from its settings.
  func callback(_ state: TrainingState.CallbackState) throws(RecurraError) -> (any Callback)? {
    let builtIn: [any RestorableCallback.Type] = [EarlyStopping.self, ReduceLROnPlateau.self, TerminateOnNaN.self]
    guard !state.isGivenAgain else { return nil }
    let type: any RestorableCallback.Type
    if let own = self[Kind.callback, state.name] as? CallbackType {
      type = own.type
    } else if let known = builtIn.first(where: { $0.typeName == state.name }) {
      type = known
    } else {
      type = try entry(Kind.callback, state.name, as: CallbackType.self).type
    }
    var values: [String: JSONValue] = [:]
    if case .object(let members) = state.configuration {
      for (name, value) in members { values[name] = value }
    }
    let arguments = LayerArguments(typeName: state.name, values: values, registry: self)
    let callback = try type.init(configuration: arguments)
    try arguments.requireAllRead()
    return callback
  }
}

/// Types are kept in a struct because the registry keeps values that may go from thread to thread.
private struct RuleType: Sendable {
  let type: any OptimizerRule.Type
}

/// A callback's type makes callbacks on the thread that asks; they stay there.
private struct CallbackType: Sendable {
  let type: any (RestorableCallback & SendableMetatype).Type
}
