internal import CRecurraKernels
public import RecurraTensor

/// The parameters and the initial states of one direction of a recurrent layer.
public struct RecurrentDirection: Sendable {
  /// `[W; U]`, (I + H) × G·H.
  public var weights: Tensor { parts.weights }
  /// The bias, in the shape the cell asks for; nil for none.
  public var bias: Tensor? { parts.bias }
  /// The cell's named parameters, in its order.
  public var parameters: [Tensor] { parts.parameters }
  /// h (and c), each [B, H]; empty for zeros.
  public var initialStates: [Tensor] { parts.initialStates }
  /// What a row that begins anew by itself begins with, each [B, width]; empty for what `initialStates` are.
  package var ownStates: [Tensor] { parts.ownStates }
  /// Tells whether the direction walks from each row's last valid timestep to its first.
  public var isReversed: Bool { parts.isReversed }
  var packed: PackedWeights { parts.packed }
  var version: Int { parts.version }

  /// Behind one reference: a call hands directions on a dozen times, and copying their tensors costs as much as a
  /// timestep.
  private let parts: Parts

  private final class Parts: Sendable {
    let weights: Tensor
    let bias: Tensor?
    let parameters: [Tensor]
    let initialStates: [Tensor]
    let ownStates: [Tensor]
    let isReversed: Bool
    let packed: PackedWeights
    let version: Int

    init(
      weights: Tensor, bias: Tensor?, parameters: [Tensor], initialStates: [Tensor], ownStates: [Tensor],
      isReversed: Bool, packed: PackedWeights, version: Int
    ) {
      self.weights = weights
      self.bias = bias
      self.parameters = parameters
      self.initialStates = initialStates
      self.ownStates = ownStates
      self.isReversed = isReversed
      self.packed = packed
      self.version = version
    }
  }

  /// Puts a direction together.
  ///
  /// - Parameters:
  ///   - weights: `[W; U]` of a gated cell; [0, H] for a composed one.
  ///   - packed: keeps the packed weights from call to call; give each direction of a layer its own.
  ///   - version: changes whenever the weights change.
  public init(
    weights: Tensor, bias: Tensor?, parameters: [Tensor] = [], initialStates: [Tensor] = [], isReversed: Bool = false,
    packed: PackedWeights? = nil, version: Int = 0
  ) {
    parts = Parts(
      weights: weights, bias: bias, parameters: parameters, initialStates: initialStates, ownStates: [],
      isReversed: isReversed, packed: packed ?? PackedWeights(), version: version)
  }

  private init(_ direction: RecurrentDirection, initialStates: [Tensor], ownStates: [Tensor]) {
    parts = Parts(
      weights: direction.weights, bias: direction.bias, parameters: direction.parameters,
      initialStates: initialStates, ownStates: ownStates, isReversed: direction.isReversed, packed: direction.packed,
      version: direction.version)
  }

  /// The same direction from other states.
  package func starting(at initialStates: [Tensor]) -> RecurrentDirection {
    RecurrentDirection(self, initialStates: initialStates, ownStates: ownStates)
  }

  /// The same direction, with what rows that begin anew by themselves begin with.
  package func beginningAnew(at ownStates: [Tensor]) -> RecurrentDirection {
    RecurrentDirection(self, initialStates: initialStates, ownStates: ownStates)
  }

  /// The number of units for a cell.
  func units(of cell: any RecurrentCell) -> Int {
    let columns = weights.shape.last ?? 0
    if case .gated(let cell) = cell.arithmetic { return columns / cell.gateCount }
    return columns
  }

  /// Numbers of all parameters.
  var parameterCount: Int { parameters.reduce(weights.count) { $0 + $1.count } }

  /// The first named parameters, one behind the other; nil for none.
  func joined(_ count: Int) -> Tensor? {
    guard count > 0 else { return nil }
    return .concatenated(parameters.prefix(count).map { $0.detached.reshaped([$0.count]) }).contiguous
  }

  /// The number of named parameters before the first that is a matrix of a product.
  func vectorCount(_ phases: [[GateProduct]]) -> Int {
    phases.joined().lazy.compactMap { $0.matrix?.parameter }.min() ?? parameters.count
  }

  /// Stops at parameters and states that do not fit a cell and its input.
  func check(_ cell: any RecurrentCell, _ name: String, dtype: DType, batch: Int, inputs: Int, units: Int) {
    func expect(_ tensor: Tensor, _ what: String, _ shape: @autoclosure () -> [Int], _ fits: Bool) {
      RecurraTensor.check(
        tensor.dtype == dtype && fits, name, expected: "\(dtype) \(what) \(shape())",
        got: "\(tensor.dtype) \(tensor.shape)")
    }
    func expect(_ tensor: Tensor, _ what: String, _ rows: Int, _ columns: Int) {
      let shape = tensor.shape
      expect(tensor, what, [rows, columns], shape.count == 2 && shape[0] == rows && shape[1] == columns)
    }
    switch cell.arithmetic {
    case .composed: expect(weights, "weights", 0, units)
    case .gated(let cell):
      expect(weights, "weights", cell.weightRows(inputs: inputs, units: units), cell.gateCount * units)
      if let bias {
        RecurraTensor.check(cell.hasSlotBias, name, expected: "no bias but the named one", got: "\(bias.shape)")
        let shape = cell.biasShape(units: units)
        expect(bias, "bias", shape, bias.shape == shape)
      }
    }
    let named = cell.parameters(inputs: inputs, units: units)
    RecurraTensor.check(
      parameters.count == named.count, name, expected: "\(named.count) named parameters", got: "\(parameters.count)")
    for (parameter, wanted) in zip(parameters, named) {
      expect(parameter, wanted.name, wanted.shape, parameter.shape == wanted.shape)
    }
    let widths = cell.stateWidths(units: units)
    RecurraTensor.check(
      initialStates.isEmpty || initialStates.count == widths.count, name,
      expected: "\(widths.count) initial states or none", got: "\(initialStates.count)")
    for (state, width) in zip(initialStates, widths) { expect(state, "initial states", batch, width) }
  }
}
