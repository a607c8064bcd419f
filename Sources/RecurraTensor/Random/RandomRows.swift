extension RandomSource {
  /// Returns numbers spread evenly over 0..<1, those of the positions from `first` on: blocks of a batch get what the
  /// batch would.
  package func uniform(_ shape: [Int], startingAt first: Int, dtype: DType) -> Tensor {
    guard first > 0 else { return uniform(shape, dtype: dtype) }
    let count = Shape.count(shape)
    let whole = uniform([first % 2 + count], skippingPairs: first / 2, dtype: dtype)
    return (first % 2 == 0 ? whole : whole[1..<(count + 1)]).reshaped(shape)
  }
}
