internal import RecurraTensor

/// A graph of layers as a list of calls, in the order in which they run.
struct GraphPlan: Sendable {
  /// An output of an input or a call; inputs are the first nodes, then come the calls in the order of `calls`.
  struct Source: Sendable, Hashable {
    var node: Int
    var output: Int
  }

  struct Entrance: Sendable {
    var name: String
    /// Batch first.
    var shape: [Int?]
  }

  struct Entry: Sendable {
    var name: String
    var layer: any Layer
    var isTrainable = true
  }

  struct Call: Sendable {
    /// The layer's position.
    var layer: Int
    /// Which call of the layer it is.
    var number: Int
    var inputs: [Source]
  }

  /// What a row of the summary stands for.
  enum Row: Sendable, Hashable {
    case input(Int)
    case layer(Int)
  }

  let inputs: [Entrance]
  let layers: [Entry]
  let calls: [Call]
  let outputs: [Source]
  /// Inputs and layers in Keras' order: those farthest from the outputs first.
  let rows: [Row]
  /// A name for each output: that of its layer, with a number where one layer has several.
  let outputNames: [String]
  /// How often each output of each node is read, by calls and by the model's end.
  let readerCounts: [[Int]]

  /// The calls of a layer, by their positions, in the order of their numbers.
  func calls(of layer: Int) -> [Int] {
    calls.indices.filter { calls[$0].layer == layer }.sorted { calls[$0].number < calls[$1].number }
  }

  /// The call that a source is an output of; nil for an input.
  func call(of source: Source) -> Int? { source.node < inputs.count ? nil : source.node - inputs.count }

  /// The name of what gives a source.
  func name(of source: Source) -> String {
    call(of: source).map { layers[calls[$0].layer].name } ?? inputs[source.node].name
  }
}
