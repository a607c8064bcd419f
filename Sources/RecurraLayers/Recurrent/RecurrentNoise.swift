internal import RecurraCells
internal import RecurraTensor

/// What a recurrent layer drops or holds while it is trained; the draws follow from the training's seed, row by row.
///
/// - Source: Gal & Ghahramani 2016 (arXiv:1512.05287, dropout of whole sequences); Krueger et al. 2016
///   (arXiv:1606.01305, zoneout); Merity et al. 2017 (arXiv:1708.02182, dropped weights).
public struct RecurrentNoise: Sendable, Equatable {
  /// The share of the inputs that is dropped, the same at every timestep of a sequence.
  public var dropout: Double
  /// The share of h that is dropped where it meets U, the same at every timestep of a sequence, for each gate by
  /// itself.
  public var recurrentDropout: Double
  /// The share of h that stays as it was, drawn anew at every timestep; outside training h is the mean.
  public var zoneout: Double
  /// The same of the memory c.
  public var memoryZoneout: Double
  /// The share of the numbers of U that is dropped, for a whole batch.
  public var weightDropout: Double

  /// Names the shares, 0 to 1 each.
  public init(
    dropout: Double = 0, recurrentDropout: Double = 0, zoneout: Double = 0, memoryZoneout: Double = 0,
    weightDropout: Double = 0
  ) {
    self.dropout = dropout
    self.recurrentDropout = recurrentDropout
    self.zoneout = zoneout
    self.memoryZoneout = memoryZoneout
    self.weightDropout = weightDropout
  }

  /// The names in files, Keras' where it has one.
  private static let names: [(name: String, path: WritableKeyPath<RecurrentNoise, Double> & Sendable)] = [
    ("dropout", \.dropout), ("recurrent_dropout", \.recurrentDropout), ("zoneout", \.zoneout),
    ("memory_zoneout", \.memoryZoneout), ("weight_dropout", \.weightDropout),
  ]

  init(_ arguments: LayerArguments) throws(RecurraError) {
    self.init()
    for (name, path) in Self.names { self[keyPath: path] = try arguments.number(name, default: 0, in: 0...1) }
    // Draws follow from the training's seed; one of the layer's own is read and not needed.
    _ = arguments.value("seed")
  }

  /// Those that are not 0.
  var configuration: [String: JSONValue] {
    Dictionary(
      uniqueKeysWithValues: Self.names.filter { self[keyPath: $0.path] != 0 }.map {
        ($0.name, .number(self[keyPath: $0.path]))
      })
  }

  /// Refuses shares outside 0...1, and what a cell has no place for.
  func check(_ layer: some RecurrentLayer) throws(RecurraError) {
    for (name, path) in Self.names { try layer.checkSetting(name, self[keyPath: path], in: 0...1) }
    guard recurrentDropout > 0 || zoneout > 0 || memoryZoneout > 0 || weightDropout > 0 else { return }
    guard case .gated(let cell) = layer.cell.arithmetic, cell.hasStateProducts else {
      throw layer.failure(
        .badArgument, expected: "dropout alone for a cell that does not multiply h with U",
        got: "\(configuration.keys.sorted())")
    }
    if memoryZoneout > 0, cell.stateCount != 2 {
      throw layer.failure(
        .badArgument, expected: "memory_zoneout for a cell with a memory beside h", got: "\(cell.stateCount) states")
    }
  }

  /// Tells whether a call outside training is that of the bare cell.
  var isPlainOutsideTraining: Bool { zoneout == 0 && memoryZoneout == 0 }
  var isNone: Bool { self == RecurrentNoise() }
}
