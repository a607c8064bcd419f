internal import RecurraCells
internal import RecurraLayers
internal import RecurraTensor

/// A node RNN, GRU or LSTM on the engine's own layers.
///
/// Weights that are the same in every call are brought into the engine's order and packed once for every version.
final class RecurrentKernel: Sendable {
  enum Kind: String, Sendable {
    case simple = "RNN"
    case gated = "GRU"
    case memory = "LSTM"

    /// Blocks of H rows in the weights of ONNX.
    var gateCount: Int { self == .simple ? 1 : self == .gated ? 3 : 4 }
  }

  /// The weights of all directions as they were brought into order, and the versions that they are of.
  private struct Prepared: Sendable {
    let versions: [Int]
    let directions: [RecurrentDirection]
  }

  private let kind: Kind
  private let isReversed: [Bool]
  private let cells: [any GatedCell]
  private let areAlike: Bool
  /// The gates of ONNX in the engine's order.
  private let gates: [Int]
  private let peepholes: [Int]
  private let units: Int?
  private let isBatchFirst: Bool
  private let prepared = Guarded<Prepared?>(nil)

  init(_ node: ONNXNode, _ kind: Kind) throws(RecurraError) {
    self.kind = kind
    try node.expectInputs(3...8)
    switch try node.text("direction", default: "forward") {
    case "forward": isReversed = [false]
    case "reverse": isReversed = [true]
    case "bidirectional": isReversed = [false, true]
    case let other:
      throw node.failure(expected: "direction forward, reverse or bidirectional", got: other.excerpt)
    }
    units = try node.integer("hidden_size")
    isBatchFirst = try node.flag("layout")
    let clip = try node.number("clip")
    let isCoupled = try node.flag("input_forget")
    let resetsAfter = try node.flag("linear_before_reset")
    let standard: [Activation] =
      kind == .simple ? [.tanh] : kind == .gated ? [.sigmoid, .tanh] : [.sigmoid, .tanh, .tanh]
    let functions = try RecurrentActivations(node, standard: standard, directions: isReversed.count).functions
    let hasPeepholes = kind == .memory && node.has(7)
    cells = functions.map { functions -> any GatedCell in
      switch kind {
      case .simple: SimpleRNNCell(activation: functions[0], clip: clip)
      case .gated:
        GRUCell(activation: functions[1], recurrentActivation: functions[0], resetAfter: resetsAfter, clip: clip)
      case .memory:
        LSTMCell(
          activation: functions[1], recurrentActivation: functions[0],
          outputActivation: functions[2] == functions[1] ? nil : functions[2], usePeepholes: hasPeepholes,
          coupleGates: isCoupled, clip: clip)
      }
    }
    areAlike = functions.allSatisfy { $0 == functions[0] }
    for cell in cells {
      if let fault = cell.fault(units: 1) {
        throw node.failure(expected: "\(fault.setting) \(fault.expected)", got: fault.got)
      }
    }
    switch kind {
    case .simple: gates = [0]
    case .gated: gates = [0, 1, 2]
    // i o f c.
    case .memory: gates = isCoupled ? [0, 3, 1] : [0, 2, 3, 1]
    }
    // i o f.
    peepholes = !hasPeepholes ? [] : isCoupled ? [0, 1] : [0, 2, 1]
  }

  /// Where the inputs of a node come from, and in what form.
  struct Inputs {
    let x: Tensor
    let w: Tensor
    let r: Tensor
    let b: Tensor?
    let p: Tensor?
    let lengths: [Int64]?
    let h: Tensor?
    let c: Tensor?
    /// The versions of all weights; nil where one is computed.
    let versions: [Int]?
  }

  func callAsFunction(_ call: OperatorCall) throws(RecurraError) -> [ONNXValue] {
    let isMemory = kind == .memory
    var versions: [Int]? = []
    for index in [1, 2, 3] + (isMemory ? [7] : []) where call.optional(index) != nil {
      if let version = call.version(index) { versions?.append(version) } else { versions = nil }
    }
    let inputs = Inputs(
      x: try call.tensor(0), w: try call.tensor(1), r: try call.tensor(2), b: try call.optionalTensor(3),
      p: isMemory ? try call.optionalTensor(7) : nil,
      lengths: try call.optional(4) == nil ? nil : call.array(4).elements, h: try call.optionalTensor(5),
      c: isMemory ? try call.optionalTensor(6) : nil, versions: versions)
    return try run(inputs, call)
  }

  func run(_ inputs: Inputs, _ call: OperatorCall) throws(RecurraError) -> [ONNXValue] {
    let format = try call.value(0).format
    let ways = isReversed.count
    let x = isBatchFirst ? inputs.x : inputs.x.rank == 3 ? inputs.x.transposed(0, 1) : inputs.x
    guard x.rank == 3 else { throw call.failure(expected: "X of three axes", got: "\(inputs.x.shape)") }
    guard inputs.r.rank == 3 else { throw call.failure(expected: "R of three axes", got: "\(inputs.r.shape)") }
    let (rows, timesteps, features, size) = (x.shape[0], x.shape[1], x.shape[2], inputs.r.shape[2])
    let columns = kind.gateCount * size
    guard size >= 1, features >= 1, units == nil || units == size else {
      throw call.failure(
        expected: "a feature or more, and R for \(units ?? 1) units", got: "\(inputs.x.shape) and \(inputs.r.shape)")
    }
    func expect(_ tensor: Tensor?, _ name: String, _ shape: [Int]) throws(RecurraError) {
      guard let tensor, tensor.shape != shape || tensor.dtype != x.dtype else { return }
      throw call.failure(expected: "\(x.dtype) \(name) \(shape)", got: "\(tensor.dtype) \(tensor.shape)")
    }
    try expect(inputs.w, "W", [ways, columns, features])
    try expect(inputs.r, "R", [ways, columns, size])
    try expect(inputs.b, "B", [ways, 2 * columns])
    try expect(inputs.p, "P", [ways, 3 * size])
    let stateShape = isBatchFirst ? [rows, ways, size] : [ways, rows, size]
    try expect(inputs.h, "initial_h", stateShape)
    try expect(inputs.c, "initial_c", stateShape)
    let outputShape = isBatchFirst ? [rows, timesteps, ways, size] : [timesteps, ways, rows, size]
    try call.require(outputShape)
    var lengths: [Int]?
    if let given = inputs.lengths {
      guard given.count == rows, given.allSatisfy({ (0...Int64(timesteps)).contains($0) }) else {
        throw call.failure(expected: "\(rows) lengths in 0...\(timesteps)", got: "\(given.prefix(8))")
      }
      if given.contains(where: { $0 < timesteps }) { lengths = given.map { Int($0) } }
    }
    var states: [[Tensor]] = [[Tensor]](repeating: [], count: ways)
    if inputs.h != nil || inputs.c != nil {
      for given in [inputs.h] + (kind == .memory ? [inputs.c] : []) {
        for way in 0..<ways {
          let own = given.map { isBatchFirst ? $0.sliced(way..<(way + 1), axis: 1).squeezed(1) : $0[way] }
          states[way].append(own ?? .zeros([rows, size], dtype: x.dtype))
        }
      }
    }
    guard rows > 0, timesteps > 0 else {
      let none = Tensor.zeros(stateShape, dtype: x.dtype)
      return [
        .floats(.zeros(outputShape, dtype: x.dtype), format), .floats(inputs.h ?? none, format),
        .floats(inputs.c ?? none, format),
      ]
    }
    let directions = zip(prepare(inputs, size), states).map { $1.isEmpty ? $0 : $0.starting(at: $1) }
    let wantsAll = call.node.wants(0)
    var (outputs, finals) = ([Tensor](), [Tensor]())
    for (index, cell) in cells.enumerated() {
      if areAlike, index > 0 { break }
      let result = x.recurrent(
        cell, areAlike ? directions : [directions[index]], lengths: lengths, returnsSequences: wantsAll,
        padding: .zero)
      outputs.append(result.output)
      finals += result.states
    }
    let y: Tensor
    if wantsAll {
      let all = outputs.count == 1 ? outputs[0] : Tensor.concatenated(outputs, axis: 2)
      let apart = all.reshaped([rows, timesteps, ways, size])
      y = isBatchFirst ? apart : apart.permuted([1, 2, 0, 3])
    } else {
      y = Tensor.zeros([0])
    }
    let stateCount = kind == .memory ? 2 : 1
    let last = (0..<stateCount).map { state in
      let own = (0..<ways).map { finals[$0 * stateCount + state] }
      return ways == 1
        ? own[0].expanded(at: isBatchFirst ? 1 : 0) : Tensor.stacked(own, axis: isBatchFirst ? 1 : 0)
    }
    return [.floats(y, format)] + last.map { .floats($0, format) }
  }

  /// The weights of all directions in the engine's order: those of the last call where they are of the same versions.
  private func prepare(_ inputs: Inputs, _ size: Int) -> [RecurrentDirection] {
    let isTracked = [inputs.w, inputs.r, inputs.b ?? inputs.w, inputs.p ?? inputs.w].contains { $0.isTracked }
    if let versions = inputs.versions, !isTracked, let kept = prepared.withLock({ $0 }), kept.versions == versions {
      return kept.directions
    }
    func rows(_ tensor: Tensor, _ order: [Int]) -> Tensor {
      order.count == 1 ? tensor : .concatenated(order.map { tensor.sliced($0 * size..<($0 + 1) * size) })
    }
    let directions = isReversed.enumerated().map { way, isReversed in
      let weights = Tensor.concatenated([
        rows(inputs.w[way], gates).transposed(), rows(inputs.r[way], gates).transposed(),
      ])
      let bias = inputs.b.map { all in
        let halves = all[way].reshaped([2, -1])
        let own = [rows(halves[0], gates), rows(halves[1], gates)]
        return cells[way].biasShape(units: size).count == 2 ? Tensor.stacked(own) : own[0] + own[1]
      }
      let looks = inputs.p.map { all in peepholes.map { all[way].sliced($0 * size..<($0 + 1) * size) } } ?? []
      return RecurrentDirection(
        weights: weights.isTracked ? weights : weights.contiguous, bias: bias,
        parameters: looks.map { $0.isTracked ? $0 : $0.contiguous }, isReversed: isReversed, packed: PackedWeights())
    }
    if let versions = inputs.versions, !isTracked {
      _ = prepared.exchange(Prepared(versions: versions, directions: directions))
    }
    return directions
  }
}
