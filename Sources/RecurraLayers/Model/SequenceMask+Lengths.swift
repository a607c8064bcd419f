internal import RecurraTensor

/// What lengths become in layers that move timesteps; no mask of steps goes through these, as in Keras.
extension SequenceMask {
  /// The mask of rows that a layer made longer or shorter, each by its own length.
  ///
  /// - Parameters:
  ///   - timesteps: the timesteps of the result.
  ///   - length: the length that a row of some length has afterwards.
  func withLengths(upTo timesteps: Int, _ length: (Int) -> Int) -> SequenceMask {
    guard let lengths = withoutSteps.lengths else { return .all }
    return .lengths(lengths.map { min(max(length($0), 0), timesteps) })
  }
}

extension Signal {
  /// The value with 0 behind the lengths that rows are cut to; what stands there reaches nothing.
  func cutToLengths(_ operation: String) throws(RecurraError) -> Tensor {
    try value.cleared(by: mask.withoutSteps, operation)
  }
}
