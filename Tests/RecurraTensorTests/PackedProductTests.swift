import RecurraTensor
import TestSupport
import Testing

/// A matrix in the kernels' layout: values, gradients, and that neither other rows nor threads show.
@Suite(.serialized) struct PackedProductTests {
  /// Rows, inputs and columns: one of each, columns that end within a vector and a panel, and several pieces of rows.
  static let shapes = [[1, 1, 1], [3, 7, 5], [66, 100, 6], [5, 33, 130], [2, 700, 65], [700, 20, 64]]

  private func operands(_ shape: [Int]) -> (x: Tensor, weights: Tensor, bias: Tensor) {
    (
      .varied([shape[0], shape[1]], seed: 2, dtype: .float32), .varied([shape[1], shape[2]], seed: 3, dtype: .float32),
      .varied([shape[2]], seed: 4, dtype: .float32)
    )
  }

  @Test(arguments: shapes) func valuesAgainstFloat64(_ shape: [Int]) {
    let (x, weights, bias) = operands(shape)
    let product = x.converted(to: .float64).matrixProduct(weights.converted(to: .float64))
    let found = PackedProduct()(x, weights, version: 0, adding: bias)
    expectClose(
      found, product + bias.converted(to: .float64), relative: Tolerance.float32Accumulated, toLargest: true)
    let alone = PackedProduct()(x, weights, version: 0, adding: nil)
    expectClose(alone, product, relative: Tolerance.float32Accumulated, toLargest: true)
  }

  @Test(arguments: shapes) func gradientsAgainstFloat64(_ shape: [Int]) {
    let (x, weights, bias) = operands(shape)
    let seed = Tensor.varied([shape[0], shape[2]], seed: 5, dtype: .float32)
    let sources = [x.tracked, weights.tracked, bias.tracked]
    let found = PackedProduct()(sources[0], sources[1], version: 0, adding: sources[2])
      .gradients(withRespectTo: sources, seed: seed)
    let wide = [x, weights, bias].map { $0.converted(to: .float64).tracked }
    let wanted = (wide[0].matrixProduct(wide[1]) + wide[2])
      .gradients(withRespectTo: wide, seed: seed.converted(to: .float64))
    for (found, wanted) in zip(found, wanted) {
      expectClose(found, wanted, relative: Tolerance.float32Gradient, toLargest: true)
    }
  }

  @Test func leadingAxesAreRows() {
    let (x, weights, bias) = operands([12, 9, 7])
    let found = PackedProduct()(x.reshaped([2, 3, 2, 9]), weights, version: 0, adding: bias)
    expectIdentical(
      found, PackedProduct()(x, weights, version: 0, adding: bias).reshaped([2, 3, 2, 7]))
  }

  @Test func aViewIsReadInItsOwnOrder() {
    let (x, weights, bias) = operands([9, 8, 7])
    let turned = Tensor.varied([8, 9], seed: 2, dtype: .float32).transposed()
    expectIdentical(
      PackedProduct()(turned, weights, version: 0, adding: bias),
      PackedProduct()(turned.contiguous, weights, version: 0, adding: bias))
    expectIdentical(
      PackedProduct()(x[2..<5], weights, version: 0, adding: bias),
      PackedProduct()(x, weights, version: 0, adding: bias)[2..<5])
  }

  @Test func anotherVersionIsPackedAnew() {
    let (x, weights, bias) = operands([4, 6, 70])
    let product = PackedProduct()
    _ = product(x, weights, version: 3, adding: bias)
    let other = weights * 2
    expectIdentical(
      product(x, other, version: 4, adding: bias), PackedProduct()(x, other, version: 0, adding: bias))
    let tracked = x.tracked
    let old = product(tracked, weights, version: 5, adding: nil)
    let wanted = old.gradients(withRespectTo: [tracked], seed: .ones([4, 70]))[0]
    _ = product(x, other, version: 6, adding: nil)
    expectIdentical(old.gradients(withRespectTo: [tracked], seed: .ones([4, 70]))[0], wanted)
  }

  @Test func theSameBitsOnAnyThreads() {
    let former = Threads.insistsOnMembers
    Threads.insistsOnMembers = true
    defer { Threads.insistsOnMembers = former }
    let (x, weights, bias) = operands([150, 80, 200])
    expectSameBitsOnAnyThreads {
      let sources = [x.tracked, weights.tracked]
      let found = PackedProduct()(sources[0], sources[1], version: 0, adding: bias)
      return [found] + found.gradients(withRespectTo: sources, seed: .ones([150, 200]))
    }
  }
}
