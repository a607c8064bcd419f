internal import RecurraTensor

/// How PyTorch lays out the weights of a recurrent layer in one direction.
///
/// A row a gate's unit, i f g o or r z n; two biases that are added, and of a GRU kept apart. Keras has a column a
/// gate's unit, i f c o or z r h.
struct TorchGates {
  let gates: Int
  let units: Int
  let hasBias: Bool
  let projection: Int?

  /// The tensors' names and shapes, in PyTorch's order.
  func tensors(_ suffix: String, inputs: Int) -> [(name: String, shape: [Int])] {
    var tensors = [
      (name: "weight_ih\(suffix)", shape: [gates * units, inputs]),
      (name: "weight_hh\(suffix)", shape: [gates * units, projection ?? units]),
    ]
    if hasBias { tensors += ["bias_ih", "bias_hh"].map { (name: $0 + suffix, shape: [gates * units]) } }
    if let projection { tensors.append((name: "weight_hr\(suffix)", shape: [projection, units])) }
    return tensors
  }

  /// r z n as z r n, and back; an LSTM's gates stand in the same order on both sides.
  private func exchanged(_ tensor: Tensor) -> Tensor {
    guard gates == 3 else { return tensor }
    let parts = tensor.split([units, units, units])
    return .concatenated([parts[1], parts[0], parts[2]])
  }

  /// Keras' kernel, recurrent kernel, bias and projection.
  func weights(_ tensors: [Tensor]) -> [Tensor] {
    var result = tensors[..<2].map { exchanged($0).transposed().contiguous }
    if hasBias {
      let (first, second) = (exchanged(tensors[2]), exchanged(tensors[3]))
      result.append(gates == 3 ? Tensor.stacked([first, second]) : first + second)
    }
    if projection != nil { result.append(tensors[tensors.count - 1].transposed().contiguous) }
    return result
  }

  /// PyTorch's tensors of Keras' weights; the second of two biases that are added is 0.
  func stored(_ weights: [Tensor]) -> [Tensor] {
    var result = weights[..<2].map { exchanged($0.transposed().contiguous) }
    if hasBias {
      let bias = weights[2]
      if gates == 3 {
        let rows = bias.split([1, 1]).map { exchanged($0.squeezed(0)) }
        result += rows
      } else {
        result += [bias, Tensor.zeros(bias.shape, dtype: bias.dtype)]
      }
    }
    if projection != nil { result.append(weights[weights.count - 1].transposed().contiguous) }
    return result
  }
}
