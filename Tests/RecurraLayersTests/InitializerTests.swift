import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// Statistics of the initialisers against Keras' formulas.
@Suite struct InitializerTests {
  private func statistics(_ initializer: Initializer, _ shape: [Int]) -> (
    mean: Double, deviation: Double, largest: Double
  ) {
    let values = initializer(shape, random: RandomSource(seed: 3), dtype: .float64).doubles
    let mean = values.reduce(0, +) / Double(values.count)
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
    return (mean, variance.squareRoot(), values.map(\.magnitude).max() ?? 0)
  }

  @Test func scaledByFans() {
    let (inputs, outputs) = (300, 500)
    let average = Double(inputs + outputs) / 2
    let cases: [(Initializer, variance: Double, isUniform: Bool)] = [
      (.glorotUniform, 1 / average, true), (.glorotNormal, 1 / average, false), (.heUniform, 2.0 / 300, true),
      (.heNormal, 2.0 / 300, false), (.lecunUniform, 1.0 / 300, true), (.lecunNormal, 1.0 / 300, false),
    ]
    for (initializer, variance, isUniform) in cases {
      let found = statistics(initializer, [inputs, outputs])
      #expect(abs(found.mean) < 0.01 * variance.squareRoot(), "\(initializer)")
      #expect(abs(found.deviation / variance.squareRoot() - 1) < 0.01, "\(initializer)")
      // A uniform ends at √3 deviations; a normal is cut at 2 of its own, before the correction.
      let end = (isUniform ? 3.0.squareRoot() : 2 / 0.87962566103423978) * variance.squareRoot()
      #expect(found.largest <= end && found.largest > 0.99 * end, "\(initializer)")
    }
  }

  @Test(arguments: [
    ([4, 30, 50], 120.0, 200.0, "three axes: all but the last two are the receptive field"),
    ([2, 3, 30, 50], 180, 300, "four axes"), ([3_000], 3_000, 3_000, "a vector is its own fan, both ways"),
    ([1, 6_000], 1, 6_000, "one input"), ([6_000, 1], 6_000, 1, "one output"),
  ]) func fansOfAnyNumberOfAxes(_ shape: [Int], _ inputs: Double, _ outputs: Double, _ reason: String) {
    let cases: [(Initializer, variance: Double)] = [
      (.glorotUniform, 2 / (inputs + outputs)), (.heUniform, 2 / inputs), (.lecunUniform, 1 / inputs),
      (.glorotNormal, 2 / (inputs + outputs)), (.heNormal, 2 / inputs), (.lecunNormal, 1 / inputs),
    ]
    for (initializer, variance) in cases {
      let found = statistics(initializer, shape)
      #expect(abs(found.deviation / variance.squareRoot() - 1) < 0.04, "\(initializer), \(reason)")
    }
  }

  @Test func aNumberAloneHasFansOfOne() {
    let values = (0..<3_000).map { Initializer.lecunUniform([], random: RandomSource(seed: 3).stream($0)).item }
    let largest = values.map(\.magnitude).max() ?? 0
    #expect(largest <= 3.0.squareRoot() && largest > 0.99 * 3.0.squareRoot())
  }

  @Test func fixedSpreads() {
    let uniform = statistics(.randomUniform(), [200, 200])
    #expect(uniform.largest <= 0.05 && uniform.largest > 0.0499 && abs(uniform.mean) < 5e-4)
    let normal = statistics(.randomNormal(mean: 0.5, standardDeviation: 0.2), [200, 200])
    #expect(abs(normal.mean - 0.5) < 0.005 && abs(normal.deviation - 0.2) < 0.002 && normal.largest > 1.1)
    let truncated = statistics(.truncatedNormal(standardDeviation: 0.2), [200, 200])
    #expect(truncated.largest <= 0.4 && truncated.largest > 0.39 && abs(truncated.deviation - 0.2 * 0.8796) < 0.002)
    #expect(
      Initializer.constant(0.25)([2, 3], random: RandomSource(seed: 1)).doubles == [0.25, 0.25, 0.25, 0.25, 0.25, 0.25])
    #expect(Initializer.zeros([2], random: RandomSource(seed: 1)).doubles == [0, 0])
    #expect(Initializer.ones([2], random: RandomSource(seed: 1)).doubles == [1, 1])
  }

  @Test(arguments: [[7, 28], [28, 7], [9, 9], [3, 4, 5]], [DType.float32, .float64])
  func orthogonalRowsOrColumns(shape: [Int], dtype: DType) {
    let matrix = Initializer.orthogonal(gain: 2)(shape, random: RandomSource(seed: 5), dtype: dtype)
    #expect(matrix.shape == shape && matrix.dtype == dtype)
    let flat = matrix.reshaped([-1, shape[shape.count - 1]])
    let (rows, columns) = (flat.shape[0], flat.shape[1])
    let product = rows < columns ? flat.matrixProduct(flat.transposed()) : flat.transposed().matrixProduct(flat)
    expectClose(
      product, Tensor.identity(min(rows, columns), dtype: dtype) * 4, relative: 0,
      absolute: dtype == .float32 ? 5e-6 : 1e-13)
  }

  @Test func orthogonalTakesItsSignsFromTheTriangle() throws {
    // With the signs, q·R = normal has a positive diagonal in R: qᵀ·normal must be upper triangular and positive
    // there.
    let random = RandomSource(seed: 8)
    for rows in [6, 4] {
      let q = Initializer.orthogonal()([rows, 4], random: random, dtype: .float64)
      let triangle = q.transposed().matrixProduct(random.normal([rows, 4], dtype: .float64)).doubles
      for row in 0..<4 {
        #expect(triangle[row * 4 + row] > 0)
        for column in 0..<row { #expect(abs(triangle[row * 4 + column]) < 1e-12) }
      }
    }
  }

  @Test func recurrentWeightsAreTwoMatricesAndForgetBiasIsOne() throws {
    let (inputs, units) = (30, 20)
    let layer = LSTM(units: units, biasInitializer: .constant(0.5))
    try layer.build(inputShape: [nil, nil, inputs], random: RandomSource(seed: 2), dtype: .float64)
    let kernel = try #require(layer.kernel)
    let recurrent = try #require(layer.recurrentKernel)
    #expect(kernel.shape == [inputs, 4 * units] && recurrent.shape == [units, 4 * units])
    let limit = (6.0 / Double(inputs + 4 * units)).squareRoot()
    let largest = kernel.doubles.map(\.magnitude).max() ?? 0
    #expect(largest <= limit && largest > 0.98 * limit)
    expectClose(
      recurrent.matrixProduct(recurrent.transposed()), .identity(units, dtype: .float64), relative: 0, absolute: 1e-12)
    let bias = try #require(layer.bias).doubles
    #expect(bias.enumerated().allSatisfy { $1 == ($0 / units == 1 ? 1 : 0.5) })
  }

  @Test func seedsTellLayersAndDirectionsApart() throws {
    func model(_ seed: UInt64) throws -> [Tensor] {
      let model = Sequential(seed: seed) {
        Bidirectional(LSTM(units: 3, returnSequences: true))
        Bidirectional(LSTM(units: 3))
        Dense(units: 6)
        Dense(units: 6)
      }
      try model.build(inputShape: [nil, nil, 6])
      return model.parameters.filter { $0.name != "bias" }.map(\.value)
    }
    let (first, again, other) = (try model(1), try model(1), try model(2))
    for (index, tensor) in first.enumerated() {
      expectIdentical(tensor, again[index])
      #expect(tensor.doubles != other[index].doubles)
      for later in first[(index + 1)...] where later.shape == tensor.shape { #expect(tensor.doubles != later.doubles) }
    }
  }

  @Test func variancesAreScaledAsTold() {
    let (inputs, outputs) = (300, 500)
    let fans: [(Initializer.Fan, Double)] = [(.fanIn, 300), (.fanOut, 500), (.fanAverage, 400)]
    for (mode, fan) in fans {
      for distribution in Initializer.Distribution.allCases {
        let initializer = Initializer.varianceScaling(scale: 3, mode: mode, distribution: distribution)
        let (found, wanted) = (statistics(initializer, [inputs, outputs]), (3 / fan).squareRoot())
        #expect(abs(found.mean) < 0.01 * wanted && abs(found.deviation / wanted - 1) < 0.01, "\(initializer)")
        switch distribution {
        case .uniform: #expect(found.largest <= 3.0.squareRoot() * wanted && found.largest > 1.7 * wanted)
        case .truncatedNormal: #expect(found.largest <= 2.274 * wanted && found.largest > 2.25 * wanted)
        case .untruncatedNormal: #expect(found.largest > 4 * wanted)
        }
      }
    }
    let random = RandomSource(seed: 5)
    let he = Initializer.varianceScaling(scale: 2, mode: .fanIn, distribution: .uniform)
    #expect(he([7, 5], random: random).doubles == Initializer.heUniform([7, 5], random: random).doubles)
  }

  @Test func identityHasOnesOnItsDiagonal() {
    let found = Initializer.identity(gain: 3)([2, 3], random: RandomSource(seed: 0))
    #expect(found.shape == [2, 3] && found.doubles == [3, 0, 0, 0, 3, 0])
  }

  @Test(arguments: [
    Initializer.varianceScaling(), .varianceScaling(scale: 0.3, mode: .fanOut, distribution: .untruncatedNormal),
    .identity(gain: 2),
  ]) func furtherOnesComeBackFromJSON(initializer: Initializer) throws {
    let arguments = LayerArguments(typeName: "test", values: ["kernel_initializer": initializer.json])
    #expect(try arguments.initializer("kernel_initializer", default: .zeros) == initializer)
  }

  @Test(arguments: [
    #"{"class_name": "VarianceScaling", "config": {"mode": "fan"}}"#,
    #"{"class_name": "VarianceScaling", "config": {"scale": 0}}"#,
    #"{"class_name": "VarianceScaling", "config": {"distribution": "normal"}}"#,
    #"{"class_name": "Identity", "config": {"gain": "x"}}"#,
  ]) func wrongSettingsAreRefused(text: String) throws {
    let json = try JSONValue(parsing: Array(text.utf8))
    let arguments = LayerArguments(typeName: "test", values: ["kernel_initializer": json])
    #expect(throws: RecurraError.self) { try arguments.initializer("kernel_initializer", default: .zeros) }
  }
}
