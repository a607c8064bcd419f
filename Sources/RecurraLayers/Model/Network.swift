public import RecurraTensor

/// A model: layers that each have a name, built together for inputs of a shape.
///
/// Training, files, summaries and the command line see a model as this, whatever it is made of.
public protocol Network: Layer {
  /// The name of the model.
  var name: String { get }
  /// The layers, in the order of the summary.
  var layers: [any Layer] { get }
  /// The name of each layer.
  var layerNames: [String] { get }
  /// The element type the model was built for, nil before.
  var dtype: DType? { get }
  /// Remembers what was asked for once.
  var networkState: NetworkState { get }

  /// Makes the parameters for inputs of a shape, batch first, from the model's seed; does nothing when that has been
  /// done.
  func build(inputShape: [Int?], dtype: DType) throws(RecurraError)
  /// Computes what reaches a layer: runs the layers that it depends on, as in inference.
  ///
  /// - Parameter layer: the layer's position in `layers`.
  func signal(reaching layer: Int, _ input: Signal) throws(RecurraError) -> Signal
}

extension Network {
  /// The model itself.
  public var network: (any Network)? { self }

  /// The layer of a name.
  public subscript(name: String) -> (any Layer)? {
    layerNames.firstIndex { $0.hasBytes(of: name) }.map { layers[$0] }
  }

  /// The layers by their names.
  public var sublayers: [(role: String, layer: any Layer)] { Array(zip(layerNames, layers)).map { ($0, $1) } }
}
