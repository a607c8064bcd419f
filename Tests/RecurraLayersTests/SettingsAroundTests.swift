import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// Bad settings of the layers around the recurrent ones, and inputs that they do not take.
@Suite struct SettingsAroundTests {
  static let bad: [SettingsTests.Case] = [
    .init("Masking: expected maskValue that is finite, got nan") {
      Masking(maskValue: .nan)
    },
    .init("Reshape: expected targetShape of extents of 1 or more, and one -1, got [-1, -1]") {
      Reshape(targetShape: [-1, -1])
    },
    .init("Reshape: expected targetShape of extents of 1 or more, and one -1, got [0]") { Reshape(targetShape: [0]) },
    .init("Permute: expected dims that name each axis from 1 on once, got [1, 3]") { Permute(dims: [1, 3]) },
    .init("RepeatVector: expected n in 1...2147483647, got 0", [nil, 3]) { RepeatVector(0) },
    .init("ZeroPadding1D: expected two numbers as padding, got [1]") { ZeroPadding1D(padding: [1]) },
    .init("ZeroPadding1D: expected padding in 0...2147483647, got -1") { ZeroPadding1D(padding: -1) },
    .init("Cropping1D: expected cropping in 0...2147483647, got -2") { Cropping1D(cropping: [0, -2]) },
    .init("UpSampling1D: expected size in 1...2147483647, got 0") { UpSampling1D(size: 0) },
    .init("ReLU: expected maxValue of at least 0.0, and finite, got -1.0") { ReLU(maxValue: -1) },
    .init("ReLU: expected negativeSlope of at least 0.0, and finite, got nan") { ReLU(negativeSlope: .nan) },
    .init("ReLU: expected threshold of at least 0.0, and finite, got -0.5") { ReLU(threshold: -0.5) },
    .init("LeakyReLU: expected negativeSlope of at least 0.0, and finite, got -0.5") { LeakyReLU(negativeSlope: -0.5) },
    .init("PReLU: expected sharedAxes of input [?, 5, 3], got 3") { PReLU(sharedAxes: [3]) },
    .init("BatchNormalization: expected momentum in 0.0...1.0, got 1.5") { BatchNormalization(momentum: 1.5) },
    .init("BatchNormalization: expected epsilon of at least 0.0, and finite, got -1.0") {
      BatchNormalization(epsilon: -1)
    },
    .init("GroupNormalization: expected groups in 1...2147483647, got 0") { GroupNormalization(groups: 0) },
    .init("GroupNormalization: expected groups that divide 3 features, got 2") { GroupNormalization(groups: 2) },
    .init("RMSNormalization: expected epsilon of at least 0.0, and finite, got nan") {
      RMSNormalization(epsilon: .nan)
    },
    .init("Normalization: expected as many means as variances, got [1.0] and []") { Normalization(mean: [1]) },
    .init("Normalization: expected variance of at least 0.0, and finite, got -1.0") {
      Normalization(mean: [1], variance: [-1])
    },
    .init("Normalization: expected one mean, or one for each of [3], got 2") {
      Normalization(mean: [1, 2], variance: [1, 2])
    },
    .init("Conv1D: expected filters in 1...2147483647, got 0") { Conv1D(filters: 0, kernelSize: 2) },
    .init("Conv1D: expected kernelSize in 1...2147483647, got 0") { Conv1D(filters: 2, kernelSize: 0) },
    .init("Conv1D: expected strides or dilationRate of 1, got 2 and 3") {
      Conv1D(filters: 2, kernelSize: 2, strides: 2, dilationRate: 3)
    },
    .init("Conv1D: expected groups that divide 4 filters, got 3") { Conv1D(filters: 4, kernelSize: 2, groups: 3) },
    .init("Conv1D: expected groups that divide 3 features, got 2") { Conv1D(filters: 4, kernelSize: 2, groups: 2) },
    .init("DepthwiseConv1D: expected padding valid or same, got causal") {
      DepthwiseConv1D(kernelSize: 2, padding: .causal)
    },
    .init("DepthwiseConv1D: expected depthMultiplier in 1...2147483647, got 0") {
      DepthwiseConv1D(kernelSize: 2, depthMultiplier: 0)
    },
    .init("SeparableConv1D: expected strides in 1...2147483647, got -1") {
      SeparableConv1D(filters: 2, kernelSize: 2, strides: -1)
    },
    .init("MaxPooling1D: expected poolSize in 1...2147483647, got 0") { MaxPooling1D(poolSize: 0) },
    .init("AveragePooling1D: expected padding valid or same, got causal") { AveragePooling1D(padding: .causal) },
    .init("SpatialDropout1D: expected rate in 0.0...1.0, got 2.0") { SpatialDropout1D(rate: 2) },
    .init("GaussianNoise: expected stddev in 0.0...1.0, got -1.0") { GaussianNoise(stddev: -1) },
    .init("GaussianDropout: expected rate from 0 to below 1, got 1.0") { GaussianDropout(rate: 1) },
    .init("AlphaDropout: expected rate from 0 to below 1, got nan") { AlphaDropout(rate: .nan) },
    .init("ActivityRegularization: expected l1 of at least 0.0, and finite, got -1.0") {
      ActivityRegularization(l1: -1)
    },
    .init("Embedding: expected floating weights [3, 2], got float32 [2, 2]", [nil, 5]) {
      Embedding(inputDim: 3, outputDim: 2, weights: .zeros([2, 2]))
    },
  ]

  @Test(arguments: bad) func aBadSettingIsRefusedWhenTheLayerIsBuilt(_ example: SettingsTests.Case) {
    let layer = example.make()
    let error = #expect(throws: RecurraError.self) {
      try layer.build(inputShape: example.shape, random: RandomSource(seed: 1), dtype: .float32)
    }
    #expect(error?.kind == .badArgument && error?.description == example.testDescription)
  }

  struct Input: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let make: @Sendable () -> any Layer
    let shape: [Int]
  }

  static let inputs: [Input] = [
    Input(testDescription: "Masking: expected input [B, T, I], got [2, 3]", make: { Masking() }, shape: [2, 3]),
    Input(
      testDescription: "Reshape: expected rows of numbers for [4, -1], got [2, 3, 5]",
      make: { Reshape(targetShape: [4, -1]) }, shape: [2, 3, 5]),
    Input(
      testDescription: "Reshape: expected rows of numbers for [14], got [2, 3, 5]",
      make: { Reshape(targetShape: [14]) }, shape: [2, 3, 5]),
    Input(
      testDescription: "Permute: expected input of 3 axes, got [2, 3]",
      make: { Permute(dims: [2, 1]) }, shape: [2, 3]),
    Input(
      testDescription: "RepeatVector: expected input [B, I], got [2, 3, 5]",
      make: { RepeatVector(2) }, shape: [2, 3, 5]),
    Input(
      testDescription: "Cropping1D: expected more than 3 timesteps, got [2, 3, 5]",
      make: { Cropping1D(cropping: [1, 2]) }, shape: [2, 3, 5]),
    Input(
      testDescription: "Conv1D: expected at least 5 timesteps, got [?, 4, 3]",
      make: { Conv1D(filters: 2, kernelSize: 3, dilationRate: 2) }, shape: [2, 4, 3]),
    Input(
      testDescription: "MaxPooling1D: expected at least 4 timesteps, got [2, 3, 5]",
      make: { MaxPooling1D(poolSize: 4) }, shape: [2, 3, 5]),
    Input(
      testDescription: "GlobalMaxPooling1D: expected at least one timestep, got [2, 0, 5]",
      make: { GlobalMaxPooling1D() }, shape: [2, 0, 5]),
    Input(
      testDescription: "Softmax: expected an axis behind the batch, of 2, got axis 0",
      make: { Softmax(axis: 0) }, shape: [2, 3]),
    Input(
      testDescription: "UnitNormalization: expected axes of 2, got [2]",
      make: { UnitNormalization(axis: 2) }, shape: [2, 3]),
    Input(
      testDescription: "BatchNormalization: expected an axis behind the batch, of 2, got axis 3",
      make: { BatchNormalization(axis: 3) }, shape: [2, 3]),
    Input(
      testDescription: "SpatialDropout1D: expected input [B, T, I], got [2, 3]",
      make: { SpatialDropout1D(rate: 0.5) }, shape: [2, 3]),
    Input(testDescription: "ZeroPadding1D: expected input [B, T, I], got [3]", make: { ZeroPadding1D() }, shape: [3]),
    Input(
      testDescription: "Attention: expected a query, a value and perhaps a key, got 1 inputs",
      make: { Attention() }, shape: [2, 3, 5]),
  ]

  @Test(arguments: inputs) func anInputThatDoesNotFitIsRefused(_ example: Input) {
    let layer = example.make()
    let error = #expect(throws: RecurraError.self) { try layer(Tensor.zeros(example.shape)) }
    #expect(error?.description == example.testDescription)
  }

  @Test func integersAreRefusedWhereFractionsAreNeeded() {
    let ids = Tensor([Int32(1), 2, 3, 4, 5, 6], shape: [1, 2, 3])
    let layers: [any Layer] = [
      ReLU(), ELU(), Rescaling(scale: 2), UnitNormalization(), Conv1D(filters: 2, kernelSize: 1), MaxPooling1D(),
      GlobalAveragePooling1D(), GaussianNoise(stddev: 0.1), Masking(), Softmax(), BatchNormalization(),
    ]
    for layer in layers {
      let error = #expect(throws: RecurraError.self) { try layer(ids) }
      #expect(error?.kind == .badData, "\(layer)")
    }
  }
}
