/// A layer of a model, and what the model says of it.
package struct LayerEntry: Sendable {
  package var layer: any Layer
  package var name: String?
  package var isTrainable = true

  package init(layer: any Layer, name: String? = nil, isTrainable: Bool = true) {
    (self.layer, self.name, self.isTrainable) = (layer, name, isTrainable)
  }

  /// Tells whether the layer begins frozen, or is so now.
  var isFrozen: Bool { layer.parameters.isEmpty ? !isTrainable : !layer.isTrainable }
}
