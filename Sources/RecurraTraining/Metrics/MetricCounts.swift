internal import RecurraLayers
internal import RecurraTensor

/// A metric that adds up several numbers over rows and makes one of them at the end, as precision and AUC do.
///
/// Sums are kept in Double, so that counts are exact however the rows are cut into batches.
protocol MetricCounts: Sendable {
  /// The settings in Keras' names.
  var settings: [String: JSONValue] { get }
  /// Tells whether targets are class numbers, one to a row.
  var takesLabels: Bool { get }
  /// The number of sums for rows of `width` predictions.
  func sumCount(width: Int) -> Int
  /// What is wrong with the settings for rows of `width` predictions, as "expected" and "got"; nil where nothing is.
  func fault(width: Int?) -> (expected: String, got: String)?
  /// Takes rows in; those of weight 0 are not read.
  ///
  /// - Shapes: predictions [rows, width]; targets of the same shape, or [rows] where they are class numbers.
  func add<S: FloatingScalar>(
    _ targets: Span<S>, _ predictions: Span<S>, width: Int, _ weights: RowWeights, into sums: inout [Double])
  /// The metric, from the sums so far.
  func result(_ sums: [Double]) -> Double
}

extension MetricCounts {
  var takesLabels: Bool { false }
  func fault(width: Int?) -> (expected: String, got: String)? { nil }

  /// A fraction, 0 where its denominator is.
  func ratio(_ part: Double, _ whole: Double) -> Double { whole == 0 ? 0 : part / whole }
}

extension RowWeights {
  /// Runs `body` for each row that counts.
  @inline(__always)
  func forEachRow(_ body: (_ row: Int, _ weight: Double) -> Void) {
    for row in 0..<count {
      let weight = self[row]
      if weight != 0 { body(row, weight) }
    }
  }
}
