public import RecurraLayers
public import RecurraTensor

/// Counts how often each class was taken for each: a row for every true class, a column for every predicted one.
///
/// ```swift
/// var matrix = ConfusionMatrix(numClasses: 3)
/// try matrix.add(y, trainer.predict(x))
/// print(matrix.counts, matrix.recall(classID: 1))
/// ```
public struct ConfusionMatrix: Sendable, Equatable {
  /// The number of classes.
  public let numClasses: Int
  private var sums: [Double]

  /// Makes a matrix in which nothing has been counted.
  ///
  /// - Precondition: at least one class.
  public init(numClasses: Int) {
    check(numClasses >= 1, "ConfusionMatrix", expected: "at least one class", got: "\(numClasses)")
    self.numClasses = numClasses
    sums = .init(repeating: 0, count: numClasses * numClasses)
  }

  /// The weighted number of rows by true class and predicted class.
  public var counts: [[Double]] {
    (0..<numClasses).map { Array(sums[$0 * numClasses..<($0 + 1) * numClasses]) }
  }

  /// Counts rows of predictions.
  ///
  /// - Parameters:
  ///   - targets: class numbers [B] or [B, T], or rows with a largest of the predictions' shape; rows of another class
  ///     do not count.
  ///   - predictions: [B, C] or [B, T, C], whose largest is the predicted class; where C is 1, at least ½ is class 1.
  ///   - lengths: the number of valid timesteps of each row; all when left out.
  ///   - mask: which timesteps count; where both are given both have to say so.
  ///   - sampleWeights: how much each row [B], or timestep [B, T], counts; 1 when left out.
  /// - Throws: `badData` for data that do not fit together.
  public mutating func add(
    _ targets: Tensor, _ predictions: Tensor, lengths: [Int]? = nil, mask: SequenceMask? = nil,
    sampleWeights: Tensor? = nil
  ) throws(RecurraError) {
    let weights = try RowWeights(
      predictions: predictions.shape, mask: try SequenceMask(lengths, mask), sampleWeights: sampleWeights)
    let isBinary = predictions.rank < 2 || predictions.shape.last == 1
    let isSparse = !isBinary && (targets.rank < predictions.rank || targets.shape.last == 1)
    let counts = ConfusionCounts(
      classCount: numClasses, source: isBinary ? .threshold(0.5) : .largest(sparseTargets: isSparse))
    let metric = Metric(name: "confusion matrix", kind: .counts("confusion_matrix", counts))
    for (index, sum) in try metric.sums(targets, predictions, weights).enumerated() { sums[index] += sum.sum }
  }

  /// The share of true ones among what was taken for a class; 0 where nothing was.
  public func precision(classID: Int) -> Double { share(of: classID) { sums[$0 * numClasses + classID] } }

  /// The share of what was found among the true ones of a class; 0 where there are none.
  public func recall(classID: Int) -> Double { share(of: classID) { sums[classID * numClasses + $0] } }

  /// The share of rows whose class was found; 0 where nothing has counted.
  public var accuracy: Double {
    let total = sums.reduce(0, +)
    return total == 0 ? 0 : (0..<numClasses).reduce(0) { $0 + sums[$1 * numClasses + $1] } / total
  }

  private func share(of id: Int, _ element: (Int) -> Double) -> Double {
    check((0..<numClasses).contains(id), "ConfusionMatrix", expected: "a class in 0..<\(numClasses)", got: "\(id)")
    let total = (0..<numClasses).reduce(0) { $0 + element($1) }
    return total == 0 ? 0 : sums[id * numClasses + id] / total
  }
}
