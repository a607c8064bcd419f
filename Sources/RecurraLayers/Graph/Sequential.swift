public import RecurraTensor

/// A model that runs its layers one after the other.
///
/// ```swift
/// let model = Sequential {
///   Embedding(inputDim: 5_000, outputDim: 60)
///   Bidirectional(LSTM(units: 100))
///   Dense(units: 6, activation: .softmax)
/// }
/// ```
///
/// It is a layer itself, so models nest. One built model can answer requests from several threads at the same time.
public final class Sequential: Network {
  /// Names the class as Keras does.
  public static var typeName: String { "Sequential" }

  /// The name of the model; Keras' default is "sequential".
  public let name: String
  /// What the first values of the parameters follow from.
  public let seed: UInt64
  /// The layers, each reading what the one before it gives.
  public let graph: NetworkGraph
  private let originText = Guarded<String?>(nil)
  /// What another system calls the layers, for going back there; nil for a model that was made here.
  package var origin: String? {
    get { originText.withLock { $0 } }
    set { originText.withLock { $0 = newValue } }
  }

  /// Makes a model from a block of layers.
  public convenience init(
    name: String = "sequential", seed: UInt64 = 0, @LayerBuilder _ layers: () -> [any Layer]
  ) {
    self.init(layers(), name: name, seed: seed)
  }

  /// Makes a model from a list of layers.
  ///
  /// A layer may stand in the list once; building the model refuses the second time.
  public convenience init(_ layers: [any Layer], name: String = "sequential", seed: UInt64 = 0) {
    self.init(entries: layers.map { LayerEntry(layer: $0) }, name: name, seed: seed)
  }

  package init(entries: [LayerEntry], name: String, seed: UInt64) {
    self.name = name
    self.seed = seed
    graph = NetworkGraph(GraphPlan(chain: entries, model: name))
  }

  /// The input shape the model was built for, nil before.
  public var inputShape: [Int?]? { inputShapes?[0] }
  /// The output shape of each layer, nil before the model is built.
  public var outputShapes: [[Int?]]? { graph.state.value?.nodes.dropFirst().map { $0[0] } }

  /// Refuses a model without layers, a layer that stands in it twice, and outputs that the next layer would take for
  /// something else.
  public func checkSettings() throws(RecurraError) {
    guard !layers.isEmpty else { throw failure(.badArgument, expected: "at least one layer", got: "none") }
    var seen: Set<ObjectIdentifier> = []
    if let twice = layers.firstIndex(where: { !seen.insert(ObjectIdentifier($0)).inserted }) {
      throw failure(.badArgument, expected: "each layer once", got: "one again as \(layerNames[twice].excerpt)")
    }
    let lastThatTakesStates = layers.lastIndex { Self.takesStates($0) } ?? 0
    for (index, layer) in layers.enumerated() {
      if index < lastThatTakesStates, layer.returnedStateCount > 0 {
        throw RecurraError(
          .badArgument, operation: layerNames[index], expected: "returnState on the last recurrent layer only",
          got: "a recurrent layer behind it")
      }
      if index < layers.count - 1, layer.recurrentParts?.keepsDirectionsApart == true {
        throw RecurraError(
          .badArgument, operation: layerNames[index], expected: "directions kept apart in the last layer only",
          got: "a layer behind it")
      }
    }
  }

  /// Tells whether a layer begins with states that the one before it has returned.
  private static func takesStates(_ layer: any Layer) -> Bool {
    guard let plan = layer.network?.graph.plan else { return layer.recurrentParts != nil }
    return plan.passesStates && plan.layers.contains { takesStates($0.layer) }
  }
}
