package import RecurraLayers
package import RecurraTensor

/// What a block of rows says about every parameter: the first of the three calls that make a training step.
///
/// Gradients, loss and metrics are weighted sums, not means, so those of several blocks can be added: of a batch that
/// is too large for the memory, of four batches before one update, of the shards of several processes.
/// `Trainer.update(_:)` divides by the weight. Of several outputs each has its own sums, for each has its own weight.
///
/// ```swift
/// let first = try trainer.gradients(x[0..<16], y[0..<16])
/// let second = try trainer.gradients(x[16..<32], y[16..<32], firstRow: 16)
/// try trainer.update(BatchGradients.sum([first, second]))
/// ```
public struct BatchGradients: Sendable {
  /// ∂/∂parameter of each output's loss, in the order of the optimiser's parameters, as sums; or of the whole loss,
  /// already divided by `divisor`.
  package var gradients: [[Gradient]]
  /// What the gradients have been divided by: 1 for sums.
  package let divisor: Double
  /// What the rows add to the loss and to the metrics.
  public internal(set) var metrics: BatchMetrics

  /// The sum of the weights of all predictions that count.
  public var weight: Double { metrics.loss.weight }
  /// The loss as a weighted sum.
  public var loss: WeightedSum { metrics.loss }

  /// What the statistics of layers follow with the update, block after block.
  let statistics: [StatisticChange]

  package init(
    gradients: [[Gradient]], divisor: Double, metrics: BatchMetrics, statistics: [StatisticChange] = []
  ) {
    self.gradients = gradients
    self.divisor = divisor
    self.metrics = metrics
    self.statistics = statistics
  }

  /// Adds the gradients of several blocks in a fixed tree over their numbers: 0 + 1, 2 + 3, then the pairs, and so on.
  ///
  /// The order of additions depends on the number of blocks alone, so the same blocks give the same bits, in
  /// whatever process and order they were computed.
  ///
  /// - Precondition: at least one block; all from trainers of the same model.
  /// - Complexity: one pass over all gradients; as many of them are held at a time as the tree is deep.
  public static func sum(_ blocks: [BatchGradients]) -> BatchGradients {
    var tree = GradientTree()
    for block in blocks { tree.add(block) }
    guard let total = tree.total else {
      stop("BatchGradients.sum", expected: "at least one block", got: "none")
    }
    return total
  }

  static func + (left: BatchGradients, right: BatchGradients) -> BatchGradients {
    check(
      left.gradients.count == right.gradients.count && left.divisor == 1 && right.divisor == 1, "BatchGradients",
      expected: "sums for the same parameters",
      got: "those of \(left.gradients.count) and \(right.gradients.count) outputs")
    return BatchGradients(
      gradients: zip(left.gradients, right.gradients).map { zip($0, $1).map { $0 + $1 } }, divisor: 1,
      metrics: left.metrics + right.metrics, statistics: left.statistics + right.statistics)
  }
}

/// Adds blocks as they come, in the same tree whatever their number turns out to be; holds one sum a level.
struct GradientTree {
  private var levels: [(level: Int, sum: BatchGradients)] = []

  /// Takes the next block in.
  mutating func add(_ block: BatchGradients) {
    var (level, sum) = (0, block)
    while let last = levels.last, last.level == level {
      levels.removeLast()
      (level, sum) = (level + 1, last.sum + sum)
    }
    levels.append((level, sum))
  }

  /// The sum of all blocks; nil before the first one.
  var total: BatchGradients? {
    guard var sum = levels.last?.sum else { return nil }
    for earlier in levels.dropLast().reversed() { sum = earlier.sum + sum }
    return sum
  }
}
