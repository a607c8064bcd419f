public import RecurraTensor

/// A model: layers that each have a name, built together for inputs of some shapes.
///
/// Training, files, summaries and the command line see a model as this, whether it is a `Sequential` or a `Model`.
public protocol Network: Layer {
  /// The name of the model.
  var name: String { get }
  /// The layers, in the order of the summary.
  var layers: [any Layer] { get }
  /// The name of each layer.
  var layerNames: [String] { get }
  /// The name of each input.
  var inputNames: [String] { get }
  /// The name of each output: that of the layer that gives it.
  var outputNames: [String] { get }
  /// The shape of each input that the model was built for, nil before.
  var inputShapes: [[Int?]]? { get }
  /// The number of ids that each input is looked up in; nil for an input of features.
  var inputIDCounts: [Int?] { get }
  /// The element type the model was built for, nil before.
  var dtype: DType? { get }
  /// Tells whether the layers run one after the other, each reading nothing but the one before it.
  var isChain: Bool { get }
  /// Remembers what was asked for once.
  var networkState: NetworkState { get }
  /// The rows of the summary.
  var summaryRows: [SummaryRow] { get }

  /// Makes the parameters for inputs of some shapes, batch first, from the model's seed; does nothing when that has
  /// been done.
  func build(inputShapes: [[Int?]], dtype: DType) throws(RecurraError)
  /// Works out what each layer is given and gives, in the order in which they run.
  ///
  /// - Throws: `badData` for shapes that a layer does not take.
  func layerShapes(for inputShapes: [[Int?]]) throws(RecurraError) -> [LayerShapes]
  /// Computes every output up to the function that it goes through last, and names that function; `linear` with the
  /// plain output where there is none.
  func forwardBeforeActivations(
    _ inputs: [Value], _ context: ForwardContext
  ) throws(RecurraError) -> [(value: Value, activation: Activation)]
  /// Computes what reaches a layer: runs the layers that it depends on, as in inference.
  ///
  /// - Parameter layer: the layer's position in `layers`.
  func signal(reaching layer: Int, _ input: Signal) throws(RecurraError) -> Signal
}

/// What a layer of a model is given and gives, where it runs.
public struct LayerShapes: Sendable {
  /// The layer's position in the model's `layers`.
  public let layer: Int
  /// The shapes of its inputs.
  public let inputs: [[Int?]]
  /// The shapes of its outputs.
  public let outputs: [[Int?]]
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

  /// Makes the parameters of a model of one input; does nothing when that has been done.
  public func build(inputShape: [Int?], dtype: DType = .float32) throws(RecurraError) {
    try build(inputShapes: [inputShape], dtype: dtype)
  }
}
