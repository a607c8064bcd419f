internal import RecurraTensor

/// A row of a model's summary: a layer, or an input.
public struct SummaryRow: Sendable {
  /// What the model calls the layer or input.
  public let name: String
  /// The layer; nil for an input.
  public let layer: (any Layer)?
  /// The shapes of its outputs; nil before the model is built.
  public let shapes: [[Int?]]?
  /// What it reads, as Keras writes it: "lstm[0][0]".
  public let connections: [String]

  /// Puts a row together.
  public init(name: String, layer: (any Layer)?, shapes: [[Int?]]?, connections: [String] = []) {
    self.name = name
    self.layer = layer
    self.shapes = shapes
    self.connections = connections
  }

  /// The name and the class.
  var title: String { "\(name.oneLine) (\(layer.map { type(of: $0).typeName } ?? "InputLayer"))" }

  var shapeText: String {
    guard let shapes else { return "?" }
    let texts = shapes.map { "(" + $0.map { $0.map(String.init) ?? "None" }.joined(separator: ", ") + ")" }
    return texts.count == 1 ? texts[0] : "[" + texts.joined(separator: ", ") + "]"
  }

  var countText: String {
    guard let layer else { return "0" }
    return layer.isBuilt ? grouped(layer.parameterCount) : "0 (unbuilt)"
  }

  var trainableText: String {
    guard let layer, !layer.parameters.isEmpty else { return "-" }
    return layer.isTrainable ? "Y" : "N"
  }
}
