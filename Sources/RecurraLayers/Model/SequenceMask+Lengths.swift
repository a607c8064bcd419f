internal import RecurraTensor

/// What lengths become in layers that move timesteps; no mask of steps goes through these, as in Keras.
extension SequenceMask {
  /// The mask of rows that a layer made longer or shorter, each by its own length.
  ///
  /// - Parameters:
  ///   - timesteps: the timesteps of the result.
  ///   - source: where a timestep comes from, for marks before which states begin anew; none go on where it is nil.
  ///   - length: the length that a row of some length has afterwards.
  func withLengths(
    upTo timesteps: Int, source: ((Int) -> Int)? = nil, _ length: (Int) -> Int
  ) -> SequenceMask {
    let mask = withoutSteps.lengths.map { SequenceMask.lengths($0.map { min(max(length($0), 0), timesteps) }) } ?? .all
    return mask.with(resets: source.flatMap { source in resets.map { $0.moved(to: timesteps, source: source) } })
  }
}

extension Signal {
  /// The value with 0 behind the lengths that rows are cut to; what stands there reaches nothing.
  func cutToLengths(_ operation: String) throws(RecurraError) -> Tensor {
    try value.cleared(by: mask.withoutSteps, operation)
  }
}
