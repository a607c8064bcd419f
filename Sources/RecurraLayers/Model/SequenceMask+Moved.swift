internal import RecurraTensor

extension SequenceMask {
  /// The mask of sequences that were made from those of this mask by moving timesteps.
  ///
  /// - Parameters:
  ///   - timesteps: the number of timesteps before and after.
  ///   - length: the length that a row of some length has afterwards.
  ///   - source: where a timestep comes from; beyond the row it is new, and counts.
  func moved(
    _ timesteps: (from: Int, to: Int), length: (Int) -> Int, source: (Int) -> Int
  ) -> SequenceMask {
    counting(timesteps, length: length, source: source).with(resets: resets?.moved(to: timesteps.to, source: source))
  }

  private func counting(
    _ timesteps: (from: Int, to: Int), length: (Int) -> Int, source: (Int) -> Int
  ) -> SequenceMask {
    guard let ends = lengths else { return .all }
    let newEnds = ends.map { min(max(length($0), 0), timesteps.to) }
    guard hasHoles else { return .lengths(newEnds) }
    let (rows, flags) = (ends.count, flags(ends.count, timesteps.from))
    var moved = [Bool](repeating: false, count: rows * timesteps.to)
    for row in 0..<rows {
      for timestep in 0..<newEnds[row] {
        let origin = source(timestep)
        moved[row * timesteps.to + timestep] =
          (0..<ends[row]).contains(origin) ? flags[row * timesteps.from + origin] : true
      }
    }
    return SequenceMask(moved, rows: rows, timesteps: timesteps.to)
  }
}
