internal import RecurraLayers
internal import RecurraTensor

extension Network {
  /// The number of timesteps that an output has for a row of so many; 0 for a row that is too short.
  func outputTimesteps(_ output: Int, forRowOf timesteps: Int, _ features: [Int]) -> Int {
    func count(_ timesteps: Int) -> Int? {
      let shapes = try? outputShapes(for: [[1, timesteps] + features.map { Optional($0) }])
      return shapes.flatMap { $0[output].count > 1 ? $0[output][1] : nil }
    }
    if timesteps > 0 { return count(timesteps) ?? 0 }
    // A row of none has an answer of its own where all have the same.
    guard let (one, two) = zip(count(64), count(65)), one == two else { return 0 }
    return one
  }

  private func zip(_ first: Int?, _ second: Int?) -> (Int, Int)? {
    if let first, let second { (first, second) } else { nil }
  }
}

extension SequenceMask {
  /// The mask of an only input's rows as an output may have it: lengths by the shapes that rows of them have, steps
  /// where the output has as many timesteps.
  ///
  /// - Parameter shape: the input's [N, T, …].
  func reaching(output: Int, of model: any Network, _ shape: [Int]) -> SequenceMask {
    let features = Array(shape.dropFirst(2))
    guard !isAll, shape.count > 1,
      let whole = try? model.outputShapes(for: [[1, shape[1]] + features.map { Optional($0) }])[output],
      whole.count > 2, let timesteps = whole[1]
    else { return .all }
    var own = SequenceMask.all
    if let lengths = withoutSteps.lengths {
      var ends: [Int: Int] = [:]
      for length in Set(lengths) {
        ends[length] = min(model.outputTimesteps(output, forRowOf: length, features), timesteps)
      }
      own = .lengths(lengths.map { ends[$0] ?? 0 })
    }
    guard self != withoutSteps, timesteps == shape[1] else { return own }
    return (try? own.intersection(self)) ?? own
  }
}
