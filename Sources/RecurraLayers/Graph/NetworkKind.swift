package import RecurraTensor

/// The kinds of model that a description can be of.
package enum NetworkKind: Sendable {
  case sequential(Sequential)
  case graph(Model)

  /// The model, whatever its kind.
  package var network: any Network {
    switch self {
    case .sequential(let model): model
    case .graph(let model): model
    }
  }

  /// Makes a model of its description: a graph where it names the class or has inputs, else a list of layers.
  ///
  /// - Throws: `badArgument` for what is no model, and what its class refuses.
  package init(
    configuration: JSONValue, seed: UInt64 = 0, registry: Registry = .standard
  ) throws(RecurraError) {
    let isGraph =
      configuration["class_name"] == .string(Model.typeName)
      || (configuration["class_name"] == nil && configuration["input_layers"] != nil)
    if isGraph {
      self = .graph(try Model(configuration: configuration, seed: seed, registry: registry))
    } else {
      self = .sequential(try Sequential(configuration: configuration, seed: seed, registry: registry))
    }
  }
}
