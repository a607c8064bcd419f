import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// What noise is drawn while a model is trained.
@Suite struct NoiseTests {
  private func run(_ layer: any Layer, _ x: Tensor, isTraining: Bool = true) throws -> Tensor {
    try layer.forward(Signal(x), ForwardContext(isTraining: isTraining, random: RandomSource(seed: 11))).value
  }

  /// Mean and deviation of 60,000 numbers, of which the mean is off by some thousandths.
  private func moments(_ x: Tensor) -> (mean: Double, deviation: Double) {
    (x.mean().item, x.variance().item.squareRoot())
  }

  private let shape = [200, 20, 15]

  @Test func nothingHappensOutsideTraining() throws {
    let x = Tensor.varied([3, 4, 5])
    let layers: [any Layer] = [
      SpatialDropout1D(rate: 0.9), GaussianNoise(stddev: 0.9), GaussianDropout(rate: 0.9), AlphaDropout(rate: 0.9),
    ]
    for layer in layers { expectIdentical(try run(layer, x, isTraining: false), x) }
    let none: [any Layer] = [
      SpatialDropout1D(rate: 0), GaussianNoise(stddev: 0), GaussianDropout(rate: 0), AlphaDropout(rate: 0),
    ]
    for layer in none { expectIdentical(try run(layer, x), x) }
  }

  @Test func gaussianNoiseIsAdded() throws {
    let (mean, deviation) = moments(try run(GaussianNoise(stddev: 0.3), .full(shape, 2, dtype: .float64)))
    #expect((mean - 2).magnitude < 0.01 && (deviation - 0.3).magnitude < 0.01)
  }

  @Test func gaussianDropoutHasTheVarianceOfDropout() throws {
    let (mean, deviation) = moments(try run(GaussianDropout(rate: 0.2), .full(shape, 2, dtype: .float64)))
    #expect((mean - 2).magnitude < 0.02 && (deviation - 2 * 0.5).magnitude < 0.02)
  }

  @Test func alphaDropoutKeepsMeanAndVarianceOfUnitNormals() throws {
    let x = RandomSource(seed: 5).normal(shape, dtype: .float64)
    let (mean, deviation) = moments(try run(AlphaDropout(rate: 0.3), x))
    #expect(mean.magnitude < 0.02 && (deviation - 1).magnitude < 0.02)
    // Keras' a and b for a rate of 0.3: what is kept is a·x + b, what is set a·α′ + b.
    let numbers = Set(try run(AlphaDropout(rate: 0.3), .full(shape, 1, dtype: .float64)).doubles).sorted()
    #expect(numbers.count == 2)
    let (a, b, saturation) = (0.8609526162463561, 0.4540920681370629, -1.7580993408473766)
    #expect((numbers[0] - (a * saturation + b)).magnitude < 1e-6 && (numbers[1] - (a + b)).magnitude < 1e-6)
    let kept = try run(AlphaDropout(rate: 0.3), .full(shape, 1, dtype: .float64)).doubles.filter { $0 == numbers[1] }
    #expect((Double(kept.count) / 60_000 - 0.7).magnitude < 0.01)
  }

  @Test func spatialDropoutTakesFeaturesOfWholeRows() throws {
    let found = try run(SpatialDropout1D(rate: 0.25), .ones(shape, dtype: .float64))
    let first = found.sliced(0..<1, axis: 1)
    expectIdentical(found, (first * Tensor.ones(shape, dtype: .float64)))
    let numbers = first.doubles
    #expect(Set(numbers) == [0, 1 / 0.75])
    #expect((Double(numbers.filter { $0 == 0 }.count) / 3000 - 0.25).magnitude < 0.03)
    #expect(first[0].doubles != first[1].doubles)
  }
}
