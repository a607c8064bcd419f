public import RecurraTensor

/// The arguments of a layer as they stand in a file, read by name and type; what nobody read is an unknown argument.
public struct LayerArguments: Sendable {
  /// Keras' name of the layer's class, for errors.
  public let typeName: String
  /// The arguments by name.
  public let values: [String: JSONValue]

  /// Makes arguments from a configuration.
  public init(typeName: String, values: [String: JSONValue]) {
    self.typeName = typeName
    self.values = values
  }
}
