internal import RecurraCells
internal import RecurraTensor

/// The recurrent layers that a layer runs over its input's timesteps.
public struct RecurrentParts: Sendable {
  /// Those that read from the beginning, or the only one there is; the first one at the bottom.
  public let forward: [any RecurrentLayer]
  /// Those that read from the end beside them, the first one at the bottom; none where there is one direction.
  public let backward: [any RecurrentLayer]
  /// Says what the whole gives out: the options of the topmost layer.
  public let options: RecurrentOptions
  /// The layer that merges two directions.
  let bidirectional: Bidirectional?
  /// The layer that stacks some.
  private var stack: RNN?
  /// Tells whether the forward pass is the protocol's own, so that a stack may be run all at the same time.
  let isStackable: Bool

  /// Names one layer that reads in one direction.
  public init(_ layer: any RecurrentLayer) { self.init(layer, isStackable: false) }

  init(_ layer: any RecurrentLayer, isStackable: Bool) {
    (forward, backward, options, bidirectional) = ([layer], [], layer.options, nil)
    self.isStackable = isStackable
  }

  init(_ stack: RNN, options: RecurrentOptions) {
    (forward, backward, self.options, bidirectional, isStackable) = (stack.layers, [], options, nil, false)
    self.stack = stack
  }

  /// What each of the layers that read from the beginning reads.
  func inputs(_ signal: Signal) throws(RecurraError) -> [Signal] { try stack?.inputs(signal) ?? [signal] }

  init(_ both: Bidirectional) {
    (forward, backward, bidirectional) = (both.forwardLayers, both.backwardLayers, both)
    (options, isStackable) = (both.forwardLayer.options, false)
  }

  /// The layer, where it is one that reads in one direction.
  var single: (any RecurrentLayer)? { bidirectional == nil && forward.count == 1 ? forward[0] : nil }

  /// The number of states that all layers have together.
  var stateCount: Int { (forward + backward).reduce(0) { $0 + $1.cell.stateCount } }
  /// The units of each state, in the order in which states are given and returned.
  var stateUnits: [Int] {
    (forward + backward).flatMap { $0.cell.stateWidths(units: $0.options.units) }
  }

  /// Tells whether the directions' outputs are given out side by side as two values.
  var keepsDirectionsApart: Bool { bidirectional?.merge == Bidirectional.Merge.none }
}
