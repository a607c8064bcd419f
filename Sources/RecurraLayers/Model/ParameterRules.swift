internal import RecurraTensor

/// Holds what a layer's weights cost and what they are held to, by the names that Keras' arguments begin with:
/// "kernel", "recurrent", "bias", "embeddings", "gamma".
///
/// A layer that has parameters keeps one as `parameterRules`; all else follows from it: `with(…)`, files, training.
public final class ParameterRules: Sendable {
  struct Rules: Sendable {
    var regularizers: [String: Regularizer] = [:]
    var constraints: [String: Constraint] = [:]
    var activity: Regularizer?
  }

  private let rules = Guarded(Rules())

  /// Makes rules that ask for nothing.
  public init() {}

  var values: Rules {
    get { rules.withLock { $0 } }
    set { rules.withLock { $0 = newValue } }
  }

  /// Tells whether nothing is asked for.
  var isEmpty: Bool {
    let values = values
    return values.regularizers.isEmpty && values.constraints.isEmpty && values.activity == nil
  }

  private static let regularizer = "_regularizer"
  private static let constraint = "_constraint"
  private static let activity = "activity"

  /// What is asked for, as Keras' arguments of the layer.
  var configuration: [String: JSONValue] {
    let values = values
    var result: [String: JSONValue] = [:]
    for (name, rule) in values.regularizers { result[name + Self.regularizer] = rule.json }
    for (name, rule) in values.constraints { result[name + Self.constraint] = rule.json }
    if let activity = values.activity { result[Self.activity + Self.regularizer] = activity.json }
    return result
  }

  /// Takes what is asked for from a layer's arguments.
  func read(_ arguments: LayerArguments) throws(RecurraError) {
    var rules = Rules()
    for name in arguments.values.keys.sorted() {
      if name.hasSuffix(Self.regularizer) {
        guard let value = arguments.value(name) else { continue }
        let prefix = String(name.dropLast(Self.regularizer.count))
        let rule = try Self.naming(arguments, name) { () throws(RecurraError) in try Regularizer(json: value) }
        if prefix == Self.activity { rules.activity = rule } else { rules.regularizers[prefix] = rule }
      } else if name.hasSuffix(Self.constraint) {
        guard let value = arguments.value(name) else { continue }
        rules.constraints[String(name.dropLast(Self.constraint.count))] =
          try Self.naming(arguments, name) { () throws(RecurraError) in try Constraint(json: value) }
      }
    }
    values = rules
  }

  private static func naming<Rule>(
    _ arguments: LayerArguments, _ name: String, _ read: () throws(RecurraError) -> Rule
  ) throws(RecurraError) -> Rule {
    do {
      return try read()
    } catch {
      throw RecurraError(
        error.kind, operation: "\(arguments.typeName) argument \(name)", expected: error.expected, got: error.got)
    }
  }
}
