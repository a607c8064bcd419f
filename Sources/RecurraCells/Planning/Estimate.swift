/// About how long work takes one core.
struct Estimate {
  private let tuning: Tuning

  init(_ tuning: Tuning = .standard) { self.tuning = tuning }

  /// Nanoseconds to multiply weights with some rows: each weight is read once, and multiplied with every row.
  func nanoseconds(weights: Int, rows: Int) -> Int {
    let readRows = tuning.productsPerNanosecond / tuning.weightsReadPerNanosecond - 1
    return weights * (rows + readRows) / tuning.productsPerNanosecond
  }

  /// Nanoseconds that each row adds to a step: its products, its gates, and what it takes to get there.
  func rowNanoseconds(weights: Int, slots: Int) -> Int { weights / tuning.steadyProductsPerNanosecond + slots / 4 + 20 }

  /// Nanoseconds for the products of many rows.
  func nanoseconds(multiplications count: Int) -> Int { count / tuning.steadyProductsPerNanosecond }
}
