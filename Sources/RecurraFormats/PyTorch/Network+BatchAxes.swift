package import RecurraLayers
package import RecurraTensor

extension Network {
  /// The axes of input and output that are the batch where the model came from: 1 for PyTorch's [T, B, I].
  ///
  /// The model itself reads and gives [B, …]; whoever hands over arrays in the other layout exchanges the axes.
  package var batchAxes: (input: Int, output: Int) {
    guard let origin = (self as? Sequential)?.origin,
      let network = try? TorchNetwork(JSONValue(parsing: Array(origin.utf8)), operation: "model"), network.isTimeMajor
    else { return (0, 0) }
    return (1, network.form == .sequence ? 1 : 0)
  }
}

extension Tensor {
  /// The same with the batch in front, or back where it was.
  package func exchanged(batchAxis: Int) -> Tensor {
    guard batchAxis == 1, rank > 1 else { return self }
    return permuted([1, 0] + Array(2..<rank)).contiguous
  }
}
