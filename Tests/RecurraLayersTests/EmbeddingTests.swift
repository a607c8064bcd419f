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

  @Test func zerosInFrontOfAnIdAreRefused() throws {
    let layer = try built(maskZero: true)
    let message = "Embedding: expected padding (id 0) behind a row's last id only, got a 0 in row 1 at timestep "
    expectRefusal(layer, Tensor([Int32(1), 2, 3, 4, 0, 5], shape: [2, 3]), message + "1")
    expectRefusal(layer, Tensor([Int32(1), 2, 3, 0, 4, 5], shape: [2, 3]), message + "0")
  }

  @Test func firstVectorsAreDrawnEvenlyWithinFiveHundredths() throws {
    let layer = Embedding(inputDim: 400, outputDim: 100)
    try layer.build(inputShape: [nil, nil], random: RandomSource(seed: 6), dtype: .float32)
    let values = try #require(layer.parameters.first).value.doubles.map(\.magnitude)
    #expect(values.allSatisfy { $0 <= 0.05 } && (values.max() ?? 0) > 0.0499)
  }
}
