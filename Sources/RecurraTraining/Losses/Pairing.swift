internal import RecurraTensor

/// Targets and predictions in the form that losses and metrics compute with.
struct Pairing {
  /// Targets in the predictions' type, and in their shape where both have as many elements.
  let targets: Tensor
  /// Predictions [B, …], floating.
  let predictions: Tensor

  /// Brings targets and predictions to one type and shape, as Keras does.
  ///
  /// Targets [B] go with predictions [B, 1], targets [B, T] with [B, T, 1] and the other way round, so that nothing is
  /// stretched to [B, B]. Targets with another number of elements, as labels have, keep their shape.
  init(_ targets: Tensor, _ predictions: Tensor, convertsTargets: Bool) {
    let predictions = predictions.dtype.isFloating ? predictions : predictions.converted(to: .float32)
    let targets = convertsTargets ? targets.detached.converted(to: predictions.dtype) : targets.detached
    let fits = targets.shape != predictions.shape && Self.essential(targets.shape) == Self.essential(predictions.shape)
    self.targets = fits ? targets.reshaped(predictions.shape) : targets
    self.predictions = predictions
  }

  /// Tells whether there is a target for each element of the predictions.
  var isElementwise: Bool { targets.shape == predictions.shape }

  /// The extents that are not 1.
  static func essential(_ shape: [Int]) -> [Int] { shape.filter { $0 != 1 } }
}
