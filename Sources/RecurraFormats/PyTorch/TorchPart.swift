internal import RecurraLayers
internal import RecurraTensor

/// A layer's weights as tensors of a module: their names and shapes, and the way from one to the other.
struct TorchPart {
  /// The tensors' names and their shapes; nil for those that only pass through.
  let tensors: [(name: String, shape: [Int])]
  /// The layer that takes them.
  let layer: any Layer
  /// Makes the layer's weights, in Keras' order, of the tensors.
  let weights: ([Tensor]) -> [Tensor]
  /// Makes the tensors of the layer's weights.
  let stored: ([Tensor]) -> [Tensor]

  /// A layer whose weights are the tensors as they are.
  static func plain(_ layer: any Layer, _ tensors: [(name: String, shape: [Int])]) -> TorchPart {
    TorchPart(tensors: tensors, layer: layer, weights: { $0 }, stored: { $0 })
  }

  /// A layer whose first weight is the first tensor with its axes turned round: a Linear's, a Conv1d's.
  static func turned(_ layer: any Layer, _ tensors: [(name: String, shape: [Int])]) -> TorchPart {
    func turn(_ list: [Tensor]) -> [Tensor] {
      guard let first = list.first else { return list }
      return [first.permuted((0..<first.rank).reversed()).contiguous] + list.dropFirst()
    }
    return TorchPart(tensors: tensors, layer: layer, weights: turn, stored: turn)
  }
}
