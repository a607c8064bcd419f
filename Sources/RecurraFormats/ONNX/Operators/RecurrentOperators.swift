internal import RecurraLayers
internal import RecurraTensor

extension OperatorTable {
  /// Recurrent layers.
  static let recurrent: [Entry] = [
    sequence(.simple), sequence(.gated), sequence(.memory),
    Entry("com.microsoft.DynamicQuantizeLSTM") { (node) throws(RecurraError) in
      try node.expectInputs(12...12)
      // Weights lie as [D, I, 4H] there, and scales stand behind what LSTM has.
      let kernel = try RecurrentKernel(node.limited(to: 8), .memory)
      return { (call) throws(RecurraError) in
        func matrix(_ index: Int, scale: Int) throws(RecurraError) -> Tensor {
          let weights = try call.array(index)
          guard weights.shape.count == 3 else {
            throw call.failure(expected: "weights [D, I, 4H]", got: "\(weights.shape)")
          }
          let (factor, zero) = (try call.tensor(scale), try call.value(scale + 1))
          func spread(_ tensor: Tensor) throws(RecurraError) -> Tensor {
            guard tensor.rank >= 1, tensor.rank <= 2, tensor.shape[0] == weights.shape[0],
              tensor.rank == 1 || tensor.shape[1] == weights.shape[2]
            else { throw call.failure(expected: "scales [D] or [D, 4H]", got: "\(tensor.shape)") }
            return tensor.rank == 1 ? tensor.reshaped([tensor.shape[0], 1, 1]) : tensor.expanded(at: 1)
          }
          guard case .integers(let offsets) = zero else {
            throw call.failure(expected: "whole zero points", got: zero.format.rawValue)
          }
          let numbers = weights.floats(.float32) - (try spread(offsets.floats(.float32)))
          return (numbers * (try spread(factor))).transposed(1, 2)
        }
        var versions: [Int]? = []
        for index in [1, 2, 3, 7, 8, 9, 10, 11] where call.optional(index) != nil {
          if let version = call.version(index) { versions?.append(version) } else { versions = nil }
        }
        let inputs = RecurrentKernel.Inputs(
          x: try call.tensor(0), w: try matrix(1, scale: 8), r: try matrix(2, scale: 10),
          b: try call.optionalTensor(3), p: try call.optionalTensor(7),
          lengths: try call.optional(4) == nil ? nil : call.array(4).elements, h: try call.optionalTensor(5),
          c: try call.optionalTensor(6), versions: versions)
        return try kernel.run(inputs, call)
      }
    },
  ]

  private static func sequence(_ kind: RecurrentKernel.Kind) -> Entry {
    Entry(kind.rawValue) { (node) throws(RecurraError) in
      let kernel = try RecurrentKernel(node, kind)
      return { (call) throws(RecurraError) in try kernel(call) }
    }
  }
}

extension ONNXNode {
  /// The node with its first inputs alone.
  fileprivate func limited(to count: Int) -> ONNXNode {
    ONNXNode(
      name: name, operatorName: operatorName, version: version, attributes: attributes,
      hasInput: Array(hasInput.prefix(count)), wantsOutput: wantsOutput, captures: captures, operation: operation)
  }
}
