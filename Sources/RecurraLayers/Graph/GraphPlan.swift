internal import RecurraTensor

/// A graph of layers as a list of calls, in the order in which they run.
package struct GraphPlan: Sendable {
  /// An output of an input or a call; inputs are the first nodes, then come the calls in the order of `calls`.
  package struct Source: Sendable, Hashable {
    package var node: Int
    package var output: Int
  }

  package struct Entrance: Sendable {
    package var name: String
    /// Batch first; nil where any shape will do.
    package var shape: [Int?]?
  }

  package struct Call: Sendable {
    /// The layer's position.
    package var layer: Int
    /// Which call of the layer it is.
    package var number: Int
    package var inputs: [Source]
  }

  /// What a row of the summary stands for.
  package enum Row: Sendable, Hashable {
    case input(Int)
    case layer(Int)
  }

  package let inputs: [Entrance]
  package let layers: [LayerEntry]
  package let layerNames: [String]
  package let calls: [Call]
  /// The calls of each layer, by their positions, in the order of their numbers.
  package let callsOfLayers: [[Int]]
  package let outputs: [Source]
  /// Inputs and layers in Keras' order: those farthest from the outputs first.
  package let rows: [Row]
  /// A name for each output: that of its layer, with a number where one layer has several.
  package let outputNames: [String]
  /// The keys under which a file's inputs and outputs stand, in their order; nil where they are lists.
  let (inputKeys, outputKeys): ([String]?, [String]?)
  /// Tells whether states go along with a value, from layer to layer, as in a `Sequential`: outputs are then the last
  /// layer's, and the states that one before it has returned.
  package let passesStates: Bool

  /// The call that a source is an output of; nil for an input.
  func call(of source: Source) -> Int? { source.node < inputs.count ? nil : source.node - inputs.count }

  /// The name of what gives a source.
  func name(of source: Source) -> String {
    call(of: source).map { layerNames[calls[$0].layer] } ?? inputs[source.node].name
  }

  /// Which call of its layer gives a source.
  func number(of source: Source) -> Int { call(of: source).map { calls[$0].number } ?? 0 }

  /// Tells whether the layers run one after the other, from one input to one output.
  var isChain: Bool {
    inputs.count == 1 && layers.count == calls.count && (passesStates || outputs.map(\.node) == [calls.count])
      && calls.enumerated().allSatisfy { index, call in call.inputs.map(\.node) == [index] }
  }
}

extension GraphPlan {
  /// Makes a graph of a list of layers, of which nothing is checked.
  init(chain entries: [LayerEntry], model: String) {
    layers = entries
    layerNames = LayerNames.names(for: entries)
    inputs = [Entrance(name: "input_layer", shape: nil)]
    calls = entries.indices.map { Call(layer: $0, number: 0, inputs: [Source(node: $0, output: 0)]) }
    callsOfLayers = entries.indices.map { [$0] }
    rows = entries.indices.map { .layer($0) }
    outputNames = [layerNames.last ?? model]
    (inputKeys, outputKeys) = (nil, nil)
    passesStates = true
    let last = (0..<(entries.last?.layer.outputCount ?? 1)).map { Source(node: entries.count, output: $0) }
    let states = entries.dropLast().enumerated().flatMap { index, entry in
      let (count, states) = (entry.layer.outputCount, entry.layer.returnedStateCount)
      return (count - states..<count).map { Source(node: index + 1, output: $0) }
    }
    outputs = last + states
  }
}

extension Layer {
  /// The number of states that go on to the next layer of a `Sequential`; the last ones of the layer's outputs.
  var returnedStateCount: Int {
    if let parts = recurrentParts { return parts.options.returnState ? parts.stateCount : 0 }
    guard let plan = network?.graph.plan, plan.passesStates else { return 0 }
    return plan.layers.reduce(0) { $0 + $1.layer.returnedStateCount }
  }
}
