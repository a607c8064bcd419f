internal import RecurraLayers
internal import RecurraTensor

/// Means that an optimiser keeps over updates: of gradients until there are enough of them, and of weights.
extension OptimizerState {
  /// Adds gradients to those that wait; once all are there, puts the mean of them in place and lets none wait.
  ///
  /// - Parameters:
  ///   - positions: where the gradient of each of the model's parameters stands; nil for one that is frozen.
  ///   - count: of how many the mean is; nil while some are missing.
  func accumulate(_ gradients: inout [Gradient], _ scale: Double, _ positions: [Int?], into count: Int?) {
    var parts = gradients.map { _ in [Tensor]() }
    for (i, entry) in entries.enumerated() {
      guard let position = positions[entry.index] else { continue }
      let waiting = memories[i].moments?[Optimizer.accumulator] ?? .zeros(entry.shape, dtype: entry.parameter.dtype)
      let sum = waiting + entry.part(of: gradients[position]).dense * scale
      memories[i].moments?[Optimizer.accumulator] = count == nil ? sum : .zeros(sum.shape, dtype: sum.dtype)
      parts[position].append(sum)
    }
    guard let count else { return }
    for (position, sums) in parts.enumerated() {
      gradients[position] = .dense((sums.count == 1 ? sums[0] : .concatenated(sums)) * (1 / Double(count)))
    }
  }

  /// Takes the weights into their running means, and puts those in place of the weights where their turn is.
  ///
  /// - Parameter isUpdate: whether weights have just changed, and not only gradients been added up.
  func average(isUpdate: Bool) {
    guard optimizer.useEMA else { return }
    let updates = (step - 1) / (optimizer.gradientAccumulationSteps ?? 1) + 1
    let overwrites = optimizer.emaOverwriteFrequency.map { updates % $0 == 0 } ?? false
    for (i, entry) in entries.enumerated() where entry.parameter.isTrainable {
      guard let former = memories[i].moments?[Optimizer.average] else { continue }
      // Before the second update there is nothing to take a mean with.
      let isFirst = memories[i].updates == 0 || (isUpdate && memories[i].updates == 1)
      let share = isFirst ? 0 : optimizer.emaMomentum
      let mean = former * share + entry.value * (1 - share)
      memories[i].moments?[Optimizer.average] = mean
      if overwrites { entry.update { $0 = mean } }
    }
  }

  /// Puts the running means in place of the weights, where they are kept: what Keras does at the end of `fit`.
  package func finish() {
    guard optimizer.useEMA, step > 0 else { return }
    for (i, entry) in entries.enumerated() where entry.parameter.isTrainable {
      if let mean = memories[i].moments?[Optimizer.average] { entry.update { $0 = mean } }
    }
  }
}
