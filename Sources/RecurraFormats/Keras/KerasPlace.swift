internal import RecurraLayers

/// Where Keras keeps the weights of a layer, seen from the layer's own group.
///
/// Groups are called by the attributes of Keras' objects and, in lists, by classes; names that users give never count.
enum KerasPlace {
  /// In those of the layers of a model, by class.
  case layers([any Layer])
  /// In those of the layers that it is made of, by attribute.
  case parts([(attribute: String, layer: any Layer)])
  /// In those of the cells of a stack, by class.
  case cells([any RecurrentLayer])
  /// In its own group or in groups inside of it, so many to each. Of several attributes the first is Keras 3's, others
  /// are those of older versions; none stands for the layer's own group.
  case variables([(attributes: [String], count: Int)])

  init(_ layer: any Layer) {
    if let network = layer.network {
      self = .layers(network.layers)
    } else if let stack = layer as? RNN {
      self = .cells(stack.layers)
    } else if layer is MultiHeadAttention {
      let count = layer.weights.count / 4
      self = .variables(
        ["query_dense", "key_dense", "value_dense", "output_dense"].map { (attributes: [$0, "_\($0)"], count: count) })
    } else if layer is any RecurrentLayer {
      self = .variables([(["cell"], layer.weights.count)])
    } else if !layer.sublayers.isEmpty {
      self = .parts(layer.sublayers.map { ($0.role, $0.layer) })
    } else {
      self = .variables([([], layer.weights.count)])
    }
  }

  /// The name of a layer's group among others of its class.
  static func className(of layer: any Layer) -> String { LayerNames.snakeCase(type(of: layer).typeName) }

  /// The name of a cell's group among others of its class.
  static func cellName(of layer: any Layer) -> String { LayerNames.snakeCase(type(of: layer).typeName + "Cell") }

  /// The layers with weights of their own that a layer is made of, itself included, each as often as it stands there.
  static func leaves(of layer: any Layer) -> [any Layer] {
    layer.sublayers.isEmpty ? [layer] : layer.sublayers.flatMap { leaves(of: $0.layer) }
  }
}
