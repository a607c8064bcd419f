internal import RecurraLayers
internal import RecurraTensor

/// A recurrent module of PyTorch: a stack of layers in one direction or two.
struct TorchRecurrent {
  let module: TorchModule
  let inputs: Int
  let units: Int
  let layerCount: Int
  let hasBias: Bool
  let isBatchFirst: Bool
  let dropout: Double
  let isBidirectional: Bool
  /// P; nil without a projection.
  let projection: Int?
  private let activation: Activation

  static let kinds = ["RNN", "LSTM", "GRU"]

  init(_ module: TorchModule) throws(RecurraError) {
    self.module = module
    var names = ["input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional"]
    if module.kind == "RNN" { names.append("nonlinearity") }
    if module.kind == "LSTM" { names.append("proj_size") }
    try module.allow(names)
    inputs = try module.size("input_size")
    units = try module.size("hidden_size")
    layerCount = try module.integer("num_layers", default: 1, in: 1...256)
    hasBias = try module.bool("bias", default: true)
    isBatchFirst = try module.bool("batch_first", default: false)
    dropout = try module.number("dropout", default: 0, in: 0...1)
    isBidirectional = try module.bool("bidirectional", default: false)
    let projection = module.kind == "LSTM" ? try module.integer("proj_size", default: 0, in: 0...max(units - 1, 0)) : 0
    self.projection = projection > 0 ? projection : nil
    switch module.kind == "RNN" ? try module.string("nonlinearity", default: "tanh") : "tanh" {
    case "tanh": activation = .tanh
    case "relu": activation = .relu
    case let other: throw module.failure("tanh or relu as nonlinearity", other.excerpt)
    }
  }

  /// The numbers that each timestep gives out.
  var outputs: Int { (projection ?? units) * (isBidirectional ? 2 : 1) }

  /// A layer of the stack, with its tensors.
  ///
  /// - Parameter returnSequences: Tells whether every timestep is given out.
  func part(_ index: Int, returnSequences: Bool) -> TorchPart {
    let inputs = index == 0 ? self.inputs : outputs
    let layer: any RecurrentLayer =
      switch module.kind {
      case "LSTM":
        LSTM(
          units: units, useBias: hasBias, returnSequences: returnSequences, projectionUnits: projection)
      case "GRU": GRU(units: units, useBias: hasBias, returnSequences: returnSequences)
      default: SimpleRNN(units: units, activation: activation, useBias: hasBias, returnSequences: returnSequences)
      }
    let suffixes = isBidirectional ? ["_l\(index)", "_l\(index)_reverse"] : ["_l\(index)"]
    let layout = TorchGates(
      gates: ["LSTM": 4, "GRU": 3][module.kind] ?? 1, units: units, hasBias: hasBias, projection: projection)
    var tensors: [(name: String, shape: [Int])] = []
    for suffix in suffixes { tensors += layout.tensors(suffix, inputs: inputs).map { ($0.name, $0.shape) } }
    let count = tensors.count / suffixes.count
    return TorchPart(
      tensors: tensors.map { (module.tensorName($0.name), $0.shape) },
      layer: isBidirectional ? Bidirectional(layer) : layer,
      weights: { list in
        stride(from: 0, to: list.count, by: count).flatMap { layout.weights(Array(list[$0..<($0 + count)])) }
      },
      stored: { list in
        let own = list.count / suffixes.count
        return stride(from: 0, to: list.count, by: own).flatMap { layout.stored(Array(list[$0..<($0 + own)])) }
      })
  }
}
