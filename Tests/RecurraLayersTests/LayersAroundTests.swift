import Foundation
import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// What holds for every layer around the recurrent ones: gradients, files, lengths, threads.
@Suite struct LayersAroundTests {
  /// A layer that goes from sequences of six features to sequences or rows.
  struct Maker: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// Whether a row's answer is that of the row alone, cut to its length.
    let isRowwise: Bool
    let make: @Sendable () -> any Layer

    init(_ name: String, isRowwise: Bool = true, _ make: @escaping @Sendable () -> any Layer) {
      (testDescription, self.isRowwise, self.make) = (name, isRowwise, make)
    }
  }

  static let makers: [Maker] = [
    Maker("Masking") { Masking(maskValue: 0.5) },
    Maker("Reshape") { Reshape(targetShape: [-1, 3]) },
    Maker("Reshape, other timesteps", isRowwise: false) { Reshape(targetShape: [4, -1]) },
    Maker("Permute", isRowwise: false) { Permute(dims: [2, 1]) },
    Maker("ZeroPadding1D") { ZeroPadding1D(padding: [2, 1]) },
    Maker("Cropping1D") { Cropping1D(cropping: [1, 2]) },
    Maker("UpSampling1D") { UpSampling1D(size: 3) },
    Maker("ReLU") { ReLU(maxValue: 0.7, negativeSlope: 0.2, threshold: 0.1) },
    Maker("ReLU, limited") { ReLU(maxValue: 0.7) },
    Maker("LeakyReLU") { LeakyReLU(negativeSlope: 0.15) },
    Maker("ELU") { ELU(alpha: 0.7) },
    Maker("PReLU") { PReLU(alphaInitializer: .constant(0.3), sharedAxes: [1]) },
    Maker("Softmax over time") { Softmax(axis: 1) },
    Maker("Rescaling") { Rescaling(scale: 0.4, offset: -2) },
    Maker("Normalization") { Normalization(mean: [1, 2, 3, 4, 5, 6], variance: [1, 2, 3, 4, 5, 6]) },
    Maker("Normalization, adapted") { Normalization(axis: 2) },
    Maker("BatchNormalization") { BatchNormalization(momentum: 0.7) },
    Maker("GroupNormalization") { GroupNormalization(groups: 3) },
    Maker("RMSNormalization") { RMSNormalization(epsilon: 0.1) },
    Maker("UnitNormalization") { UnitNormalization() },
    Maker("UnitNormalization over time") { UnitNormalization(axes: [1, 2]) },
    Maker("LSTM, backwards") { LSTM(units: 4, returnSequences: true, goBackwards: true) },
    Maker("Conv1D, same, dilation") { Conv1D(filters: 4, kernelSize: 2, padding: .same, dilationRate: 5) },
    Maker("Conv1D, valid") { Conv1D(filters: 4, kernelSize: 3, activation: .tanh) },
    Maker("Conv1D, same, strides") { Conv1D(filters: 4, kernelSize: 3, strides: 2, padding: .same) },
    Maker("Conv1D, causal, dilation, groups") {
      Conv1D(filters: 4, kernelSize: 3, padding: .causal, dilationRate: 2, groups: 2)
    },
    Maker("DepthwiseConv1D") { DepthwiseConv1D(kernelSize: 4, padding: .same, depthMultiplier: 2) },
    Maker("SeparableConv1D") { SeparableConv1D(filters: 4, kernelSize: 2, depthMultiplier: 3) },
    Maker("MaxPooling1D") { MaxPooling1D(poolSize: 3, strides: 2, padding: .same) },
    Maker("AveragePooling1D") { AveragePooling1D(poolSize: 4, strides: 3, padding: .same) },
    Maker("AveragePooling1D, valid") { AveragePooling1D() },
    Maker("GlobalMaxPooling1D") { GlobalMaxPooling1D() },
    Maker("GlobalAveragePooling1D") { GlobalAveragePooling1D(keepdims: true) },
    Maker("SpatialDropout1D") { SpatialDropout1D(rate: 0.4) },
    Maker("GaussianNoise") { GaussianNoise(stddev: 0.3) },
    Maker("GaussianDropout") { GaussianDropout(rate: 0.4) },
    Maker("AlphaDropout") { AlphaDropout(rate: 0.4) },
  ]

  private let x = Tensor.varied([3, 8, 6], seed: 4, in: -2...2)
  private let lengths = [5, 8, 4]

  @Test(arguments: makers) func gradientsAgreeWithDifferences(_ maker: Maker) throws {
    for isTraining in [false, true] {
      try expectLayerGradients(
        maker.make(), input: Signal(x, lengths: lengths), isTraining: isTraining, "training \(isTraining)")
    }
    try expectLayerGradients(maker.make(), input: Signal(x))
  }

  /// Gives parameters numbers that differ, and statistics as well.
  private func fill(_ layer: any Layer) {
    for (index, parameter) in layer.parameters.enumerated() where parameter.dtype.isFloating {
      parameter.value = .varied(parameter.shape, seed: 40 + index, in: 0.2...1.4, dtype: parameter.dtype)
    }
  }

  @Test(arguments: makers.filter(\.isRowwise)) func aRowsAnswerIsThatOfTheRowAlone(_ maker: Maker) throws {
    for dtype in [DType.float32, .float64] {
      let layer = maker.make()
      let x = x.converted(to: dtype)
      try layer.build(inputShape: [nil, nil, 6], random: RandomSource(seed: 5), dtype: dtype)
      fill(layer)
      // What is masked may hold anything.
      let counts = SequenceMask.lengths(lengths).tensor(rows: 3, timesteps: 8, dtype: .int32).expanded(at: 2)
      let stained = Tensor.select(counts, x, Tensor(.nan, dtype: dtype))
      let output = try layer.forward([Value(stained, mask: .lengths(lengths))], ForwardContext())[0]
      for row in 0..<3 {
        let alone = try layer.forward(
          [Value(x.sliced(row..<row + 1).sliced(0..<lengths[row], axis: 1))], ForwardContext())[0].tensor
        let found = output.tensor.sliced(row..<row + 1)
        guard alone.rank == 3, output.tensor.shape[1] > 1 else {
          expectClose(found, alone, relative: dtype == .float32 ? 1e-6 : 1e-13, absolute: 1e-12, "row \(row)")
          continue
        }
        let length = output.mask.withoutSteps.lengths?[row] ?? output.tensor.shape[1]
        #expect(length == alone.shape[1])
        expectClose(
          found.sliced(0..<min(length, found.shape[1]), axis: 1), alone,
          relative: dtype == .float32 ? 1e-6 : 1e-12, absolute: dtype == .float32 ? 1e-6 : 1e-12, "row \(row)")
      }
    }
  }

  @Test(arguments: makers) func savedLoadedPredictedIsTheSame(_ maker: Maker) throws {
    for dtype in [DType.float32, .float64] {
      let model = Sequential(seed: 8) { maker.make() }
      try model.build(inputShape: [nil, 8, 6], dtype: dtype)
      fill(model)
      if let normalization = model.layers[0] as? Normalization, normalization.mean == nil {
        try normalization.adapt(x.converted(to: dtype) * 3 + 1)
      }
      let file = try TemporaryModel()
      try model.save(to: file.path)
      let loaded = try Sequential.load(from: file.path)
      #expect(loaded.json == model.json)
      #expect(loaded.layers[0].isTrainable == model.layers[0].isTrainable)
      let input = x.converted(to: dtype)
      expectIdentical(try loaded(input, lengths: lengths), try model(input, lengths: lengths))
      // What the tool reads from a description alone.
      let described = try Sequential(configuration: JSONValue(parsing: Array(model.json.text.utf8)))
      try described.setWeights(model.weights)
      expectIdentical(try described(input), try model(input))
    }
  }

  @Test(arguments: makers) func bitsDependOnNeitherThreadsNorBlocks(_ maker: Maker) throws {
    let layer = maker.make()
    let x = x.converted(to: .float32)
    try layer.build(inputShape: [nil, 8, 6], random: RandomSource(seed: 5), dtype: .float32)
    fill(layer)
    let parameters = layer.parameters.filter(\.isTrainable)
    func run(_ rows: Range<Int>, isTraining: Bool) throws -> [Tensor] {
      var context = ForwardContext(isTraining: isTraining, isRecording: true, random: RandomSource(seed: 6))
      context.firstRow = rows.lowerBound
      let input = x[rows].tracked
      let mask = SequenceMask.lengths(Array(lengths[rows]))
      let output = try layer.forward([Value(input, mask: mask)], context)[0].tensor
      let gradients = output.sum().gradients(withRespectTo: [input] + parameters.map(\.tracked))
      return [output] + gradients
    }
    try expectSameBitsOnAnyThreads { try run(0..<3, isTraining: true) }
    // A batch's own statistics are those of the block.
    if layer is BatchNormalization { return }
    let whole = try run(0..<3, isTraining: true)[0]
    for rows in [0..<1, 1..<3] {
      expectIdentical(try run(rows, isTraining: true)[0], whole[rows], "rows \(rows)")
    }
  }
}

/// A path in a folder of its own, which goes with it.
final class TemporaryModel {
  let path: String

  init() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "recurra-layers-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    path = folder.appending(path: "model.safetensors").path()
  }

  deinit { try? FileManager.default.removeItem(atPath: (path as NSString).deletingLastPathComponent) }
}
