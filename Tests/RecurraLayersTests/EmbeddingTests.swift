import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// Ids in, vectors and lengths out; ids that are none are refused.
@Suite struct EmbeddingTests {
  private func built(maskZero: Bool = false) throws -> Embedding {
    let layer = Embedding(inputDim: 6, outputDim: 4, maskZero: maskZero)
    try layer.build(inputShape: [nil, nil], random: RandomSource(seed: 1), dtype: .float32)
    return layer
  }

  private func expectRefusal(
    _ layer: Embedding, _ ids: Tensor, _ message: String, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let error = #expect(throws: RecurraError.self, sourceLocation: sourceLocation) {
      try layer.forward(Signal(ids), ForwardContext())
    }
    #expect(error?.description == message, sourceLocation: sourceLocation)
    #expect(error?.kind == .badData, sourceLocation: sourceLocation)
  }

  @Test func rowsOfTheTableByIdInAnyNumberType() throws {
    let layer = try built()
    let table = try #require(layer.parameters.first).value
    let ids = Tensor([Int32(5), 0, 3, 3, 1, 2], shape: [2, 3])
    let output = try layer(ids)
    #expect(output.shape == [2, 3, 4])
    for (position, id) in [5, 0, 3, 3, 1, 2].enumerated() {
      expectIdentical(output[position / 3][position % 3], table[id])
    }
    expectIdentical(try layer(ids.converted(to: .float32)), output)
    expectIdentical(try layer(ids.converted(to: .float64)), output)
    expectIdentical(try layer(ids.transposed()), output.transposed(0, 1))
  }

  @Test func idsOutsideTheVocabularyAreRefused() throws {
    let layer = try built()
    expectRefusal(layer, Tensor([Int32(1), 6], shape: [1, 2]), "Embedding: expected ids in 0..<6, got 6")
    expectRefusal(layer, Tensor([Int32(-1), 2], shape: [1, 2]), "Embedding: expected ids in 0..<6, got -1")
    expectRefusal(layer, Tensor([Float(1), 2.5], shape: [1, 2]), "Embedding: expected ids in 0..<6, got 2.5")
    expectRefusal(layer, Tensor([Float(1), .nan], shape: [1, 2]), "Embedding: expected ids in 0..<6, got nan")
    expectRefusal(layer, Tensor([Double(1), 1e300], shape: [1, 2]), "Embedding: expected ids in 0..<6, got 1e+300")
  }

  @Test func zerosBehindTheLastIdArePadding() throws {
    let layer = try built(maskZero: true)
    let ids = Tensor([Int32(1), 2, 3, 4, 5, 0, 0, 0, 0, 0, 0, 0], shape: [3, 4])
    #expect(try layer.forward(Signal(ids), ForwardContext()).lengths == [4, 1, 0])
    let full = Tensor([Int32(1), 2, 3, 4], shape: [1, 4])
    #expect(try layer.forward(Signal(full), ForwardContext()).lengths == nil)
    #expect(try built().forward(Signal(ids), ForwardContext()).lengths == nil)
  }

  @Test func givenLengthsAndPaddingBothHold() throws {
    let layer = try built(maskZero: true)
    let ids = Tensor([Int32(1), 2, 3, 4, 5, 1, 0, 0, 2, 0, 0, 0, 3, 4, 0, 5], shape: [4, 4])
    // Row 0 ends by its length, row 1 by its padding, row 2 by both; the 5 of row 3 lies behind its length.
    let output = try layer.forward(Signal(ids, lengths: [2, 3, 1, 2]), ForwardContext())
    #expect(output.lengths == [2, 2, 1, 2])
    #expect(try layer.forward(Signal(ids, lengths: [0, 4, 4, 3]), ForwardContext()).lengths == [0, 2, 1, 2])
    let full = Tensor([Int32(1), 2, 3, 4], shape: [2, 2])
    #expect(try layer.forward(Signal(full, lengths: [2, 2]), ForwardContext()).lengths == nil)
    #expect(try built().forward(Signal(ids, lengths: [2, 3, 1, 2]), ForwardContext()).lengths == [2, 3, 1, 2])
    let hole = try layer.forward(Signal(ids, lengths: [4, 4, 4, 4]), ForwardContext())
    #expect(hole.mask.hasHoles && hole.lengths == [4, 2, 1, 4] && !hole.mask.isValid(row: 3, timestep: 2))
  }

  @Test(arguments: [DType.int32, .float32, .float64]) func idsBehindTheLengthsAreNotLookedAt(_ dtype: DType) throws {
    let layer = try built()
    let wild: [Double] = dtype == .int32 ? [-1, 6, 2_147_483_647] : [.nan, -1e300 * 0 - 1, 7.5]
    let ids = Tensor([1, 2, wild[0], 3, wild[1], wild[2]] as [Double], shape: [2, 3]).converted(to: dtype)
    let output = try layer.forward(Signal(ids, lengths: [2, 1]), ForwardContext())
    let table = try #require(layer.parameters.first).value
    expectIdentical(output.value[0][0], table[1])
    expectIdentical(output.value[0][1], table[2])
    expectIdentical(output.value[1][0], table[3])
    for lengths in [[3, 1], [2, 2]] {
      #expect(throws: RecurraError.self) { try layer.forward(Signal(ids, lengths: lengths), ForwardContext()) }
    }
    for (lengths, got) in [([2, 4], "a length of 4"), ([-1, 1], "a length of -1"), ([2], "1")] {
      let error = #expect(throws: RecurraError.self) {
        try layer.forward(Signal(ids, lengths: lengths), ForwardContext())
      }
      #expect(error?.description == "Embedding: expected 2 lengths in 0...3, got \(got)")
    }
  }

  @Test func idsOfFurtherAxesEndWithTheirTimesteps() throws {
    let layer = try built()
    let table = try #require(layer.parameters.first).value
    // Two ids to a timestep; one timestep of row 0 counts, and two of row 1.
    let ids = Tensor([Int32(1), 2, -1, 9, 7, -5, 3, 4, 5, 0, 6, 6], shape: [2, 3, 2])
    let output = try layer.forward(Signal(ids, lengths: [1, 2]), ForwardContext())
    #expect(output.value.shape == [2, 3, 2, 4] && output.lengths == [1, 2])
    for (position, id) in [(0, 1), (1, 2), (6, 3), (7, 4), (8, 5), (9, 0)] {
      expectIdentical(output.value.reshaped([12, 4])[position], table[id])
    }
    #expect(throws: RecurraError.self) { try layer.forward(Signal(ids, lengths: [2, 2]), ForwardContext()) }
    #expect(throws: RecurraError.self) { try layer.forward(Signal(ids, lengths: [1, 3]), ForwardContext()) }
    // With an id for padding there is one to a timestep.
    let masking = try built(maskZero: true)
    for ids in [ids, Tensor([Int32(1), 2])] { #expect(throws: RecurraError.self) { try masking(ids) } }
    #expect(throws: RecurraError.self) { try masking.outputShape(for: [nil, nil, 2]) }
  }

  @Test func maskedWordsDoNotCountWhereLengthsAreGivenToo() throws {
    let model = Sequential(seed: 3) {
      Embedding(inputDim: 6, outputDim: 4, maskZero: true)
      Bidirectional(LSTM(units: 3))
    }
    let ids = Tensor([Int32(1), 2, 3, 4, 5, 1, 0, 0], shape: [2, 4])
    let found = try model(ids, lengths: [3, 4])
    let (first, second) = (Tensor([Int32(1), 2, 3], shape: [1, 3]), Tensor([Int32(5), 1], shape: [1, 2]))
    expectClose(found[0..<1], try model(first), relative: 1e-6, absolute: 1e-7)
    expectClose(found[1..<2], try model(second), relative: 1e-6, absolute: 1e-7)
  }

  @Test func zerosInFrontOfAnIdAreMaskedToo() throws {
    let layer = try built(maskZero: true)
    let ids = Tensor([Int32(1), 2, 3, 0, 4, 5, 4, 0, 5, 6 - 1, 1, 0], shape: [4, 3])
    let output = try layer.forward(Signal(ids), ForwardContext())
    let wanted = [[true, true, true], [false, true, true], [true, false, true], [true, true, false]]
    #expect(output.mask == (try SequenceMask(steps: wanted)))
    #expect(output.lengths == [3, 3, 3, 2])
    // As Keras: its own mask takes the place of one that is given, and without maskZero none goes on.
    let given = try SequenceMask(steps: [[Bool]](repeating: [true, true, false], count: 4))
    let own = try layer.forward(Signal(ids, mask: given), ForwardContext())
    #expect(own.mask == output.mask)
    let plain = try built()
    #expect(try plain.forward(Signal(ids, mask: given), ForwardContext()).mask == .all)
    // Lengths hold besides.
    let lengths = SequenceMask.lengths([3, 2, 1, 2])
    #expect(try plain.forward(Signal(ids, mask: lengths), ForwardContext()).mask == lengths)
    let both = try layer.forward(Signal(ids, mask: lengths), ForwardContext()).mask
    #expect(try both == output.mask.intersection(lengths) && both.withoutSteps == lengths)
  }

  @Test func idsAreLookedUpWhereAMaskLeavesThemOut() throws {
    let layer = try built()
    let mask = try SequenceMask(steps: [[true, false, true], [false, false, true]])
    let ids = Tensor([Int32(1), 5, 2, 3, 99, 4], shape: [2, 3])
    let found = try layer.forward(Signal(ids, mask: mask), ForwardContext()).value
    expectIdentical(found, try layer(Tensor([Int32(1), 5, 2, 3, 0, 4], shape: [2, 3])))
    #expect(throws: RecurraError.self) {
      try layer.forward(Signal(ids, mask: SequenceMask(steps: [[true, true, true], [true, true, false]])), .init())
    }
    // Behind a length stands anything.
    let cut = try layer.forward(Signal(ids, mask: .lengths([2, 1])), ForwardContext()).value
    expectIdentical(cut[0][0..<2], found[0][0..<2])
  }

  @Test func firstVectorsAreDrawnEvenlyWithinFiveHundredths() throws {
    let layer = Embedding(inputDim: 400, outputDim: 100)
    try layer.build(inputShape: [nil, nil], random: RandomSource(seed: 6), dtype: .float32)
    let values = try #require(layer.parameters.first).value.doubles.map(\.magnitude)
    #expect(values.allSatisfy { $0 <= 0.05 } && (values.max() ?? 0) > 0.0499)
  }
}
