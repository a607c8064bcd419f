import RecurraTensor

extension Tensor {
  /// The same elements with the indices along an axis in reverse order.
  func reversed(axis: Int) -> Tensor { ordered(axis: axis, Array((0..<shape[axis]).reversed())) }

  /// The elements at these indices along an axis, in this order.
  func ordered(axis: Int, _ indices: [Int]) -> Tensor {
    transposed(0, axis).gathered(Tensor(indices.map { Int32($0) })).transposed(0, axis)
  }
}
