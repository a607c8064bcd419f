package import RecurraLayers
package import RecurraTensor

extension Tensor {
  /// Returns sample weights, dense and without history.
  ///
  /// - Parameters:
  ///   - shape: the inputs' [N, …].
  ///   - output: the model's output shape; weights of timesteps are refused where it has none.
  ///   - mask: which timesteps count; weights of others are never looked at.
  /// - Shapes: [N], or [N, T] where sequences have T timesteps.
  /// - Throws: `badData` for another shape, and for a weight that is negative, NaN or infinite, with its row.
  package func checkedSampleWeights(
    for shape: [Int], output: [Int?]? = nil, mask: SequenceMask = .all, _ operation: String
  ) throws(RecurraError) -> Tensor {
    let rows = shape.first ?? 1
    let timesteps = output.map { $0.count > 2 ? $0[1] ?? shape[1] : nil } ?? (shape.count > 1 ? shape[1] : nil)
    let own = Shape.withoutTrailingOnes(self.shape)
    let isOfTimesteps = timesteps.map { $0 > 1 && own == [rows, $0] } ?? false
    guard rank > 0, isOfTimesteps || own == [rows] else {
      throw RecurraError(
        .badData, operation: operation,
        expected: "sample weights of shape [\(rows)]" + (timesteps.map { " or [\(rows), \($0)]" } ?? ""),
        got: "\(self.shape)")
    }
    let weights = detached.contiguous.reshaped(own)
    let stray = weights.firstStray(isOfTimesteps ? mask : .all) { $0.isFinite && $0 >= 0 }
    guard let stray else { return weights }
    throw RecurraError(
      .badData, operation: operation, expected: "finite sample weights of 0 or more",
      got: stray.text(hasTimesteps: isOfTimesteps))
  }
}

extension Loss {
  /// Checks the weights of classes against the targets they are to weigh.
  ///
  /// - Throws: `badArgument` for a weight that is negative, NaN or infinite, and for a class the model does not have;
  ///   `badData` for targets that have no class.
  package func validate(
    classWeights: [Int: Double], targets: Tensor, output: [Int?], mask: SequenceMask = .all, operation: String
  ) throws(RecurraError) {
    for (label, weight) in classWeights.sorted(by: { $0.key < $1.key }) {
      guard weight.isFinite, weight >= 0 else {
        throw RecurraError(
          .badArgument, operation: operation, expected: "finite class weights of 0 or more",
          got: "\(weight) for class \(label)")
      }
      let classes = output.count > 1 ? output.last ?? nil : nil
      if label < 0 || classes.map({ $0 > 1 && label >= $0 }) ?? false {
        throw RecurraError(
          .badArgument, operation: operation,
          expected: "class weights for classes "
            + (classes.map { $0 > 1 ? "in 0..<\($0)" : "of 0 or more" } ?? "of 0 or more"),
          got: "one for class \(label)")
      }
    }
    if classWeights.isEmpty || takesLabels { return }
    let expected = output.dropFirst()
    // Targets as wide as the output have their class where the largest number is.
    if expected.last != 1, Pairing.fits(targets.shape.dropFirst(), Array(expected)) { return }
    guard Pairing.fits(targets.shape.dropFirst(), Array(expected.dropLast())) else {
      throw RecurraError(
        .badData, operation: operation, expected: "a target for each prediction, to know its class",
        got: "y of shape \(targets.shape)")
    }
    let stray = targets.firstStray(output.count > 2 ? mask : .all) { $0 == $0.rounded() }
    guard let stray else { return }
    throw RecurraError(
      .badData, operation: operation, expected: "whole numbers in y, to know their classes",
      got: stray.text(hasTimesteps: output.count > 2))
  }
}
