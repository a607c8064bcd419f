/// A layer of a model, and what the model says of it.
struct LayerEntry: Sendable {
  var layer: any Layer
  var name: String?
  var isTrainable = true

  /// Tells whether the layer begins frozen, or is so now.
  var isFrozen: Bool { layer.parameters.isEmpty ? !isTrainable : !layer.isTrainable }
}
