internal import RecurraCells
internal import RecurraLayers
internal import RecurraTensor

/// A recurrent layer as one of ONNX' operators has it.
struct ONNXOperatorLayer {
  let type: String
  /// [1, G·H, I] and [1, G·H, H].
  let kernel: Tensor
  let recurrent: Tensor
  /// [1, 2·G·H]: that of x, then that of h.
  let bias: Tensor?
  /// [1, 3·H].
  let peepholes: Tensor?
  let attributes: [(String, ExportAttribute)]

  private static let names: [Activation: String] = [.tanh: "Tanh", .sigmoid: "Sigmoid", .relu: "Relu"]

  /// - Returns: nil where a setting has no word in the operators, or runtimes do not have it.
  init?(_ layer: any RecurrentLayer, dtype: DType) {
    let options = layer.options
    let noise = options.noise
    guard dtype == .float32, noise.zoneout == 0, noise.memoryZoneout == 0, !options.returnMemories else { return nil }
    var attributes: [(String, ExportAttribute)] = [("hidden_size", .integer(options.units))]
    var functions: [Activation]
    let order: [Int]
    var isResetAfter = false
    if let cell = layer.cell as? LSTMCell {
      guard !cell.coupleGates, cell.clip == nil, cell.memoryClip == nil, cell.projectionUnits == nil else { return nil }
      type = "LSTM"
      functions = [cell.recurrentActivation, cell.activation, cell.outputActivation ?? cell.activation]
      order = [0, 3, 1, 2]
      peepholes = cell.usePeepholes ? Self.peepholes(layer) : nil
    } else if let cell = layer.cell as? GRUCell {
      guard cell.clip == nil else { return nil }
      type = "GRU"
      functions = [cell.recurrentActivation, cell.activation]
      order = [0, 1, 2]
      isResetAfter = cell.resetAfter
      attributes.append(("linear_before_reset", .integer(isResetAfter ? 1 : 0)))
      peepholes = nil
    } else if let cell = layer.cell as? SimpleRNNCell, cell.clip == nil {
      type = "RNN"
      functions = [cell.activation]
      order = [0]
      peepholes = nil
    } else {
      return nil
    }
    let names = functions.compactMap { Self.names[$0] }
    guard names.count == functions.count, let kernel = layer.kernel, let recurrent = layer.recurrentKernel else {
      return nil
    }
    attributes.append(("activations", .texts(names)))
    self.attributes = attributes
    func ordered(_ tensor: Tensor) -> Tensor {
      let gates = tensor.split([Int](repeating: options.units, count: order.count))
      return .concatenated(order.map { gates[$0] })
    }
    func matrix(_ tensor: Tensor) -> Tensor { ordered(tensor.transposed().contiguous).expanded(at: 0) }
    (self.kernel, self.recurrent) = (matrix(kernel), matrix(recurrent))
    bias = layer.bias.map { bias in
      let rows = bias.rank == 2 ? bias.split([1, 1]).map { $0.squeezed(0) } : [bias, Tensor.zeros(bias.shape)]
      return Tensor.concatenated(rows.map { ordered($0) }).expanded(at: 0)
    }
  }

  /// i o f, as ONNX has them, of i f o.
  private static func peepholes(_ layer: any RecurrentLayer) -> Tensor? {
    let values = ["input", "output", "forget"].compactMap { name in
      layer.parameters.first { $0.name == "\(name)_peephole" }?.value
    }
    return values.count == 3 ? Tensor.concatenated(values).expanded(at: 0) : nil
  }
}
