internal import RecurraCells
package import RecurraTensor

/// What all recurrent layers can be told: their size, how their parameters begin, and what they give out.
public struct RecurrentOptions: Sendable {
  /// The number of hidden units, H.
  public var units: Int
  /// Tells whether there is a bias.
  public var useBias: Bool
  /// How W, the part of the weights that meets the input, begins.
  public var kernelInitializer: Initializer
  /// How U, the part that meets the previous hidden state, begins.
  public var recurrentInitializer: Initializer
  /// How the bias begins.
  public var biasInitializer: Initializer
  /// Tells whether the output is every hidden state [B, T, H], or the last one [B, H].
  public var returnSequences: Bool
  /// Tells whether the final states are given out as well.
  public var returnState: Bool
  /// Tells whether the memory c after every timestep, [B, T, H], is given out behind the output.
  public var returnMemories: Bool
  /// Tells whether the sequence is read from its end; every hidden state then comes in the order it was computed.
  public var goBackwards: Bool
  /// Tells whether the output at padded timesteps is 0 instead of the last one before.
  public var zeroOutputForMask: Bool
  /// Tells whether each call goes on from the states that the one before it ended with, until `reset()`.
  public var stateful: Bool
  /// Tells whether the states that a row begins with are parameters, which are trained; zeros otherwise.
  public var learnsInitialState: Bool
  /// What is dropped or held while training; nothing in most layers.
  public var noise: RecurrentNoise

  /// Makes options with Keras' defaults.
  public init(
    units: Int, useBias: Bool = true, kernelInitializer: Initializer = .glorotUniform,
    recurrentInitializer: Initializer = .orthogonal(), biasInitializer: Initializer = .zeros,
    returnSequences: Bool = false, returnState: Bool = false, returnMemories: Bool = false, goBackwards: Bool = false,
    zeroOutputForMask: Bool = false, stateful: Bool = false, learnsInitialState: Bool = false,
    noise: RecurrentNoise = RecurrentNoise()
  ) {
    self.units = units
    self.useBias = useBias
    self.kernelInitializer = kernelInitializer
    self.recurrentInitializer = recurrentInitializer
    self.biasInitializer = biasInitializer
    self.returnSequences = returnSequences
    self.returnState = returnState
    self.returnMemories = returnMemories
    self.goBackwards = goBackwards
    self.zeroOutputForMask = zeroOutputForMask
    self.stateful = stateful
    self.learnsInitialState = learnsInitialState
    self.noise = noise
  }

  /// Reads the arguments that all recurrent layers share.
  package init(_ arguments: LayerArguments) throws(RecurraError) {
    self.init(units: try arguments.positive("units"))
    useBias = try arguments.bool("use_bias", default: useBias)
    kernelInitializer = try arguments.initializer("kernel_initializer", default: kernelInitializer)
    recurrentInitializer = try arguments.initializer("recurrent_initializer", default: recurrentInitializer)
    biasInitializer = try arguments.initializer("bias_initializer", default: biasInitializer, isForVector: true)
    returnSequences = try arguments.bool("return_sequences", default: false)
    returnState = try arguments.bool("return_state", default: false)
    returnMemories = try arguments.bool("return_memories", default: false)
    goBackwards = try arguments.bool("go_backwards", default: false)
    zeroOutputForMask = try arguments.bool("zero_output_for_mask", default: false)
    stateful = try arguments.bool("stateful", default: false)
    learnsInitialState = try arguments.bool("learn_initial_state", default: false)
    noise = try RecurrentNoise(arguments)
  }

  /// The arguments in Keras' names.
  package var configuration: [String: JSONValue] {
    var result: [String: JSONValue] = [
      "units": .integer(units), "use_bias": .bool(useBias), "kernel_initializer": kernelInitializer.json,
      "recurrent_initializer": recurrentInitializer.json, "bias_initializer": biasInitializer.json,
      "return_sequences": .bool(returnSequences), "return_state": .bool(returnState),
      "go_backwards": .bool(goBackwards), "zero_output_for_mask": .bool(zeroOutputForMask),
    ]
    if stateful { result["stateful"] = .bool(true) }
    // Keras knows no such arguments.
    if returnMemories { result["return_memories"] = .bool(true) }
    if learnsInitialState { result["learn_initial_state"] = .bool(true) }
    return result.merging(noise.configuration) { $1 }
  }

  /// Draws the first bias.
  func bias(_ shape: [Int], of cell: any GatedCell, random: RandomSource, dtype: DType) -> Tensor {
    if case .chrono(let steps) = biasInitializer, let gates = cell.memoryGates {
      return chronoBias(shape, gates, steps, random: random, dtype: dtype)
    }
    let drawn = biasInitializer(shape, random: random, dtype: dtype)
    return cell.gateOfUnitBias.map { withUnit($0, drawn) } ?? drawn
  }

  /// Puts 1 where the bias of a gate lies.
  func withUnit(_ gate: Int, _ bias: Tensor) -> Tensor {
    let (shape, axis) = (bias.shape, bias.shape.count - 1)
    let ones = Tensor.ones(shape.dropLast() + [units], dtype: bias.dtype)
    let before = bias.sliced(0..<gate * units, axis: axis)
    let after = bias.sliced((gate + 1) * units..<shape[axis], axis: axis)
    return Tensor.concatenated([before, ones, after], axis: axis)
  }

  private func chronoBias(
    _ shape: [Int], _ gates: MemoryGates, _ steps: Int, random: RandomSource, dtype: DType
  ) -> Tensor {
    let keep = random.uniform([units], in: 1..<Double(steps - 1), dtype: dtype).log()
    let zeros = Tensor.zeros([units], dtype: dtype)
    let columns = (0..<shape[shape.count - 1] / units).map { gate in
      gate == gates.keep ? keep : gate == gates.enter ? -keep : zeros
    }
    let bias = Tensor.concatenated(columns)
    // The recurrent half of a GRU's two begins at 0.
    return shape.count == 1 ? bias : .stacked([bias] + (1..<shape[0]).map { _ in .zeros([shape[1]], dtype: dtype) })
  }
}
