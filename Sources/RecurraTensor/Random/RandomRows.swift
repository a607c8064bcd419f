extension RandomSource {
  /// Returns numbers spread evenly over 0..<1, those of the positions from `first` on: blocks of a batch get what the
  /// batch would.
  package func uniform(_ shape: [Int], startingAt first: Int, dtype: DType) -> Tensor {
    guard first > 0 else { return uniform(shape, dtype: dtype) }
    return rows(shape, first) { uniform($0, skippingPairs: $1, dtype: dtype) }
  }

  /// Returns numbers of the normal distribution, those of the positions from `first` on.
  package func normal(_ shape: [Int], startingAt first: Int, dtype: DType) -> Tensor {
    rows(shape, first) { normal($0, skippingPairs: $1, dtype: dtype) }
  }

  private func rows(_ shape: [Int], _ first: Int, _ draw: (_ shape: [Int], _ skippedPairs: Int) -> Tensor) -> Tensor {
    let count = Shape.count(shape)
    let whole = draw([first % 2 + count], first / 2)
    return (first % 2 == 0 ? whole : whole[1..<(count + 1)]).reshaped(shape)
  }
}
