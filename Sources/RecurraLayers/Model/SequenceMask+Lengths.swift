internal import RecurraTensor

/// What lengths become in layers that move timesteps; no mask of steps goes through these, as in Keras.
extension SequenceMask {
  /// The mask of rows that a layer made longer or shorter, each by its own length.
  ///
  /// - Parameters:
  ///   - timesteps: the timesteps of the result.
  ///   - mark: where a timestep before which the state begins anew stands afterwards; where a row ends that ended
  ///     there when left out.
  ///   - length: the length that a row of some length has afterwards.
  func withLengths(
    upTo timesteps: Int, mark: ((Int) -> Int)? = nil, _ length: (Int) -> Int
  ) -> SequenceMask {
    let moved = withoutSteps.lengths.map { $0.map { min(max(length($0), 0), timesteps) } }
    let mask = moved.map { SequenceMask.lengths($0) } ?? .all
    guard let resets else { return mask }
    return mask.with(resets: mark.map { resets.moved(to: timesteps, $0) } ?? resets.moved(to: timesteps, length))
  }
}

extension Signal {
  /// The value with 0 behind the lengths that rows are cut to; what stands there reaches nothing.
  func cutToLengths(_ operation: String) throws(RecurraError) -> Tensor {
    try value.cleared(by: mask.withoutSteps, operation)
  }
}
