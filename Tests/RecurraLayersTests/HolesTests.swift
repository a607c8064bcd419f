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

  @Test func timestepsAreMovedWithTheirMask() throws {
    let padded = try run(ZeroPadding1D(padding: [1, 2]))
    let (t, f) = (true, false)
    #expect(try padded.mask == SequenceMask(steps: [[t, t, f, t, t, f, t, t, t], [t, f, t, t, t, t, f, f, f]]))
    #expect(padded.tensor[0][2].doubles == [0, 0, 0] && padded.tensor[1][4].doubles == [0, 0, 0])
    expectIdentical(padded.tensor[0][3], x[0][2])
    let cropped = try run(Cropping1D(cropping: [1, 1]))
    #expect(try cropped.mask == SequenceMask(steps: [[f, t, t, f], [t, f, f, f]]))
    let repeated = try run(UpSampling1D(size: 2))
    #expect(
      try repeated.mask
        == SequenceMask(steps: [[t, t, f, f, t, t, t, t, f, f, t, t], [f, f, t, t, t, t, f, f, f, f, f, f]]))
  }

  @Test func aWindowCountsWhereItHoldsOneTimestepThatDoes() throws {
    let (t, f) = (true, false)
    let pooled = try run(MaxPooling1D(poolSize: 2, strides: 1))
    #expect(try pooled.mask == SequenceMask(steps: [[t, t, t, t, t], [t, t, f, f, f]]))
    expectIdentical(pooled.tensor[0][1], x[0][2])
    let single = try run(MaxPooling1D(poolSize: 1))
    #expect(try single.mask == mask)
    #expect(single.tensor[0][1].doubles == [0, 0, 0])
    let mean = try run(AveragePooling1D(poolSize: 3, strides: 3))
    expectClose(mean.tensor[0][0], (x[0][0] + x[0][2]) / 2)
    expectClose(mean.tensor[0][1], (x[0][3] + x[0][5]) / 2)

    let layer = Conv1D(filters: 4, kernelSize: 2, padding: .causal)
    let found = try run(layer)
    let clean = try Tensor.select(
      mask.tensor(rows: 2, timesteps: 6, dtype: .int32).expanded(at: 2), x, Tensor(0, dtype: .float64))
    let wanted = try layer.forward([Value(clean)], ForwardContext())[0].tensor
    #expect(try found.mask == SequenceMask(steps: [[t, t, t, t, t, t], [f, t, t, f, f, f]]))
    expectClose(found.tensor[0], wanted[0])
    expectClose(found.tensor[1][2], wanted[1][2])
  }

  @Test func pooledRowsKnowWhatCounts() throws {
    let largest = try run(GlobalMaxPooling1D()).tensor
    for i in 0..<3 {
      #expect(largest[0][i].item == [0, 2, 3, 5].map { x[0][$0][i].item }.max())
      #expect(largest[1][i].item == [1, 2].map { x[1][$0][i].item }.max())
    }
    let nothing = [Value(x, mask: .lengths([0, 6]))]
    for layer in [GlobalMaxPooling1D() as any Layer, GlobalAveragePooling1D()] {
      #expect(try layer.forward(nothing, ForwardContext())[0].tensor[0].doubles == [0, 0, 0])
    }
  }

  @Test func maskingJoinsWhatItFindsWithWhatItIsGiven() throws {
    let x = Tensor([3, 3, 1, 3, 3, 3, 2, 2] as [Double], shape: [2, 2, 2])
    let found = try Masking(maskValue: 3).forward([Value(x, mask: .lengths([2, 1]))], ForwardContext())[0]
    #expect(try found.mask == SequenceMask(steps: [[false, true], [false, false]]))
    #expect(found.tensor.doubles == [0, 0, 1, 3, 0, 0, 2, 2])
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
