import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// Masks with holes before and behind layers that move timesteps.
@Suite struct HolesTests {
  private let steps = [[true, false, true, true, false, true], [false, true, true, false, false, false]]
  private var mask: SequenceMask { get throws { try SequenceMask(steps: steps) } }
  private let x = Tensor.varied([2, 6, 3], seed: 4)

  private var stained: Tensor {
    get throws {
      let counts = try mask.tensor(rows: 2, timesteps: 6, dtype: .int32).expanded(at: 2)
      return .select(counts, x, Tensor(.nan, dtype: .float64))
    }
  }

  private func run(_ layer: any Layer) throws -> Value {
    try layer.build(inputShape: [nil, 6, 3], random: RandomSource(seed: 2), dtype: .float64)
    return try layer.forward([Value(stained, mask: mask)], ForwardContext())[0]
  }

  /// Numbers wherever nothing counts, and none where they are Keras' to read.
  private func expectThatStepsAreRead(_ layer: any Layer, _ comment: Comment) throws {
    try layer.build(inputShape: [nil, 6, 3], random: RandomSource(seed: 2), dtype: .float64)
    let found = try layer.forward([Value(x, mask: mask)], ForwardContext())[0]
    let plain = try layer.forward([Value(x)], ForwardContext())[0]
    expectIdentical(found.tensor, plain.tensor)
    #expect(found.mask == .all, comment)
  }

  @Test func aLayerWithoutMasksReadsEveryTimestepAndDropsTheMask() throws {
    for layer in [
      ZeroPadding1D(padding: [1, 2]), Cropping1D(cropping: [1, 1]), UpSampling1D(size: 2),
      Reshape(targetShape: [-1, 1]),
      Permute(dims: [1, 2]), Flatten(), MaxPooling1D(poolSize: 2, strides: 1), AveragePooling1D(poolSize: 3),
      Conv1D(filters: 4, kernelSize: 2, padding: .causal), DepthwiseConv1D(kernelSize: 3),
      SeparableConv1D(filters: 2, kernelSize: 2), GlobalMaxPooling1D(), RMSNormalization(),
    ] as [any Layer] {
      try expectThatStepsAreRead(layer, "\(layer)")
    }
  }

  @Test func lengthsGoOnWhereStepsEnd() throws {
    let both = try mask.intersection(.lengths([5, 3]))
    for (layer, lengths) in [
      (ZeroPadding1D(padding: [1, 2]) as any Layer, [8, 6]), (Cropping1D(cropping: [1, 1]), [3, 1]),
      (UpSampling1D(size: 2), [10, 6]), (Reshape(targetShape: [-1, 1]), [15, 9]), (Permute(dims: [1, 2]), [5, 3]),
      (MaxPooling1D(poolSize: 2, strides: 1), [4, 2]), (Conv1D(filters: 4, kernelSize: 4), [2, 0]),
      (RMSNormalization(), [5, 3]),
    ] {
      try layer.build(inputShape: [nil, 6, 3], random: RandomSource(seed: 2), dtype: .float64)
      #expect(try layer.forward([Value(x, mask: both)], ForwardContext())[0].mask == .lengths(lengths), "\(layer)")
    }
    let error = #expect(throws: RecurraError.self) {
      try Reshape(targetShape: [-1, 2]).forward([Value(x, mask: both)], ForwardContext())
    }
    #expect(error?.got == "a length of 5 timesteps of 3")
  }

  /// Where the answer of a row alone would have another shape, what lies behind its end is read as 0.
  @Test func whatLiesBehindALengthReachesNothing() throws {
    let lengths = SequenceMask.lengths([4, 0])
    let counts = lengths.tensor(rows: 2, timesteps: 6, dtype: .int32).expanded(at: 2)
    for layer in [
      Flatten(), Reshape(targetShape: [3, -1]), Permute(dims: [2, 1]), UnitNormalization(axes: [1, 2]),
    ] as [any Layer] {
      let stained = Tensor.select(counts, x, Tensor(.nan, dtype: .float64))
      let clean = Tensor.select(counts, x, Tensor(0, dtype: .float64))
      let found = try layer.forward([Value(stained, mask: lengths)], ForwardContext())[0]
      expectIdentical(found.tensor, try layer.forward([Value(clean)], ForwardContext())[0].tensor)
    }
  }

  @Test func pooledRowsKnowWhatCounts() throws {
    let mean = try run(GlobalAveragePooling1D()).tensor
    for i in 0..<3 {
      #expect((mean[0][i].item - [0, 2, 3, 5].map { x[0][$0][i].item }.reduce(0, +) / 4).magnitude < 1e-12)
      #expect((mean[1][i].item - [1, 2].map { x[1][$0][i].item }.reduce(0, +) / 2).magnitude < 1e-12)
    }
    let nothing = [Value(x, mask: .lengths([0, 6]))]
    for layer in [GlobalMaxPooling1D() as any Layer, GlobalAveragePooling1D()] {
      #expect(try layer.forward(nothing, ForwardContext())[0].tensor[0].doubles == [0, 0, 0])
    }
  }

  @Test func maskingJoinsWhatItFindsWithLengthsAlone() throws {
    let x = Tensor([3, 3, 1, 3, 3, 3, 2, 2] as [Double], shape: [2, 2, 2])
    let found = try Masking(maskValue: 3).forward([Value(x, mask: .lengths([2, 1]))], ForwardContext())[0]
    #expect(try found.mask == SequenceMask(steps: [[false, true], [false, false]]).intersection(.lengths([2, 1])))
    #expect(found.tensor.doubles == [0, 0, 1, 3, 0, 0, 2, 2])
    // As Keras, its own mask takes the place of one of steps.
    let steps = try SequenceMask(steps: [[true, false], [true, true]])
    let own = try Masking(maskValue: 3).forward([Value(x, mask: steps)], ForwardContext())[0]
    #expect(try own.mask == SequenceMask(steps: [[false, true], [false, true]]))
  }

  @Test func otherAxesAreNormalizedAlike() throws {
    let turned = x.transposed()
    for (last, middle) in [
      (RMSNormalization() as any Layer, RMSNormalization(axis: 1) as any Layer),
      (UnitNormalization(), UnitNormalization(axis: 1)), (BatchNormalization(), BatchNormalization(axis: 1)),
      (GroupNormalization(groups: 3), GroupNormalization(groups: 3, axis: -2)), (Softmax(), Softmax(axis: 1)),
      (Normalization(), Normalization(axis: 1)),
    ] {
      try last.build(inputShapes: [[nil, 6, 3]], random: RandomSource(seed: 1), dtype: .float64)
      try middle.build(inputShapes: [[nil, 3, 6]], random: RandomSource(seed: 1), dtype: .float64)
      for layer in [last, middle] {
        for (index, parameter) in layer.parameters.enumerated() where parameter.dtype.isFloating {
          parameter.value = .varied(parameter.shape, seed: 60 + index, in: 0.2...1.3)
        }
      }
      for isTraining in [false, true] {
        let context = ForwardContext(isTraining: isTraining)
        let (first, second) = (
          try last.forward([Value(x)], context)[0].tensor, try middle.forward([Value(turned)], context)[0].tensor
        )
        expectClose(second, first.transposed(), "\(last)")
      }
    }
  }
}
