import Foundation
import RecurraCells
import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// Behind an embedding, products are looked up once its table has been multiplied: to the bit what they would be
/// without.
@Suite struct TableLookupTests {
  struct Kind: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let make: @Sendable (_ units: Int, _ returnsSequences: Bool) -> any Layer
  }

  static let kinds = [
    Kind(testDescription: "SimpleRNN") { SimpleRNN(units: $0, returnSequences: $1) },
    Kind(testDescription: "LSTM") { LSTM(units: $0, returnSequences: $1) },
    Kind(testDescription: "GRU") { GRU(units: $0, returnSequences: $1) },
    Kind(testDescription: "Bidirectional LSTM") { Bidirectional(LSTM(units: $0, returnSequences: $1)) },
    Kind(testDescription: "Bidirectional GRU") { Bidirectional(GRU(units: $0, returnSequences: $1)) },
  ]

  private static let vocabulary = 23

  /// An embedding and a layer behind it, their numbers all different.
  struct Pair {
    let embedding: Embedding
    let layer: any Layer

    init(
      _ kind: Kind, vocabulary: Int = vocabulary, units: Int = 19, returnsSequences: Bool = true, maskZero: Bool = false
    ) throws {
      embedding = Embedding(inputDim: vocabulary, outputDim: 5, maskZero: maskZero)
      layer = kind.make(units, returnsSequences)
      try embedding.build(inputShape: [nil, nil], random: RandomSource(seed: 1), dtype: .float32)
      try layer.build(inputShape: [nil, nil, 5], random: RandomSource(seed: 2), dtype: .float32)
      for (index, parameter) in (embedding.parameters + layer.parameters).enumerated() {
        parameter.value = Tensor.varied(parameter.shape, seed: 30 + index).converted(to: .float32)
      }
    }

    /// Looks ids up, and holds what the layer makes of it against what it makes of the vectors alone, of which nobody
    /// knows where they come from.
    func expectSameWithoutLookup(
      _ ids: Tensor, in other: Embedding? = nil, _ comment: String = "",
      sourceLocation: SourceLocation = #_sourceLocation, _ change: (inout Signal) -> Void = { _ in }
    ) throws {
      var vectors = try (other ?? embedding).forward(Signal(ids), ForwardContext())
      change(&vectors)
      let found = try layer.forward(vectors, ForwardContext())
      let wanted = try layer.forward(Signal(vectors.value, lengths: vectors.lengths), ForwardContext())
      expectIdentical(found.value, wanted.value, comment, sourceLocation: sourceLocation)
    }
  }

  private func ids(_ rows: Int, _ timesteps: Int, seed: UInt64) -> Tensor {
    RandomSource(seed: seed).uniform([rows, timesteps], in: 0..<Double(Self.vocabulary), dtype: .float64)
      .converted(to: .int32)
  }

  @Test(arguments: kinds, [1, 2, 7, 33])
  func sameBitsWhateverTheBatch(kind: Kind, rows: Int) throws {
    for returnsSequences in [true, false] {
      let pair = try Pair(kind, returnsSequences: returnsSequences)
      // The first calls come too early for a product of a whole table, the later ones use it.
      for call in 0..<6 { try pair.expectSameWithoutLookup(ids(rows, 9, seed: UInt64(call)), "call \(call)") }
      try pair.expectSameWithoutLookup(ids(rows, 1, seed: 9), "one timestep")
    }
  }

  @Test(arguments: kinds) func sameBitsWhereSequencesDifferInLength(kind: Kind) throws {
    let pair = try Pair(kind, maskZero: true)
    for (seed, lengths) in [[4, 9, 1, 0, 7], [9, 9, 3, 2, 2], [0, 0, 0, 0, 1], [2, 5, 9, 8, 1]].enumerated() {
      let full = ids(5, 9, seed: UInt64(seed)).converted(to: .float32)
      let steps = Tensor((0..<9).map { Float($0) }, shape: [1, 9])
      let ends = Tensor(lengths.map { Float($0) }, shape: [5, 1])
      let one = Tensor([Float(1)])
      // Ids from 1 on in front of a row's end, zeros behind it.
      let padded =
        full.clipped(to: 1...22) * (ends - steps - one * 0.5).isGreater(than: one * 0).converted(to: .float32)
      try pair.expectSameWithoutLookup(padded, "lengths \(lengths)")
    }
  }

  @Test(arguments: kinds) func followsEveryChangeOfAParameter(kind: Kind) throws {
    let pair = try Pair(kind)
    let ids = ids(6, 8, seed: 3)
    for (index, parameter) in (pair.embedding.parameters + pair.layer.parameters).enumerated() {
      for _ in 0..<2 { try pair.expectSameWithoutLookup(ids) }
      parameter.value = Tensor.varied(parameter.shape, seed: 60 + index).converted(to: .float32)
      for _ in 0..<2 { try pair.expectSameWithoutLookup(ids, "\(parameter.name) changed") }
    }
  }

  @Test func otherTablesAreNotMistakenForTheFirst() throws {
    let pair = try Pair(Self.kinds[1])
    let other = try Pair(Self.kinds[1])
    other.embedding.parameters[0].value = Tensor.varied([Self.vocabulary, 5], seed: 77).converted(to: .float32)
    let ids = ids(6, 8, seed: 3)
    for _ in 0..<3 {
      for embedding in [pair.embedding, other.embedding] { try pair.expectSameWithoutLookup(ids, in: embedding) }
    }
  }

  @Test func valuesThatWereChangedAreNoLongerLookedUp() throws {
    let pair = try Pair(Self.kinds[2])
    for _ in 0..<3 { try pair.expectSameWithoutLookup(ids(6, 8, seed: 3)) }
    try pair.expectSameWithoutLookup(ids(6, 8, seed: 3), "changed") { $0.value = $0.value * 2 }
  }

  /// The gradients of all parameters, and the loss, of a batch; weights of the loss are all different.
  func differentiate(
    _ pair: Pair, _ ids: Tensor, parametersOnly: Bool
  ) throws -> (value: Tensor, gradients: [Gradient]) {
    let context = ForwardContext(isTraining: true, isRecording: true, differentiatesParametersOnly: parametersOnly)
    let output = try pair.layer.forward(try pair.embedding.forward(Signal(ids), context), context).value
    let parameters = pair.embedding.parameters + pair.layer.parameters
    let loss = (output * Tensor.varied(output.shape, seed: 5).converted(to: .float32)).sum()
    let gradients = loss.sparseGradients(withRespectTo: parameters.map(\.tracked))
    // A second time, when the gates are gone and are computed again.
    for (again, first) in zip(loss.sparseGradients(withRespectTo: parameters.map(\.tracked)), gradients) {
      expectIdentical(again.dense, first.dense, "asked for twice")
    }
    return (output.detached, gradients)
  }

  @Test(arguments: kinds, [1, 2, 7, 33, 130])
  func repeatedRowsAreMultipliedOnce(kind: Kind, rows: Int) throws {
    for (returnsSequences, maskZero) in [(true, false), (false, false), (true, true)] {
      let pair = try Pair(kind, returnsSequences: returnsSequences, maskZero: maskZero)
      let drawn = ids(rows, 60, seed: 11)
      let ends = Tensor((0..<rows).map { Float($0 * 17 % 60) }, shape: [rows, 1])
      let steps = Tensor((0..<60).map { Float($0) }, shape: [1, 60])
      let padded =
        drawn.converted(to: .float32).clipped(to: 1...22) * ends.isGreater(than: steps).converted(to: .float32)
      let given = maskZero ? padded.converted(to: .int32) : drawn
      let plain = try differentiate(pair, given, parametersOnly: false)
      let once = try differentiate(pair, given, parametersOnly: true)
      expectIdentical(once.value, plain.value, "forward")
      for (index, (found, wanted)) in zip(once.gradients, plain.gradients).enumerated() {
        expectClose(
          found.dense, wanted.dense, relative: Tolerance.multipliers, toLargest: true,
          "\(rows) rows, sequences \(returnsSequences), masked \(maskZero), parameter \(index)")
      }
      // The rows of a table that went the short way come once each; those that did not, as often as they were looked
      // up.
      guard !maskZero else { continue }
      guard case .rows(let found) = once.gradients[0] else {
        Issue.record("the gradient of the table is not a list of rows")
        continue
      }
      #expect(found.indices.count <= Self.vocabulary)
    }
  }

  /// The gates' gradients of so many units outgrow a cache, and are added up another way.
  @Test(arguments: [kinds[1], kinds[3]]) func repeatedRowsOfALargeLayerAreMultipliedOnce(kind: Kind) throws {
    let pair = try Pair(kind, units: 720, returnsSequences: false)
    let ids = ids(2, 60, seed: 11)
    let plain = try differentiate(pair, ids, parametersOnly: false)
    let once = try differentiate(pair, ids, parametersOnly: true)
    for (index, (found, wanted)) in zip(once.gradients, plain.gradients).enumerated() {
      expectClose(
        found.dense, wanted.dense, relative: Tolerance.multipliers, toLargest: true, "parameter \(index)")
    }
  }

  @Test func rowsThatHardlyRepeatAreMultipliedAsTheyCome() throws {
    let pair = try Pair(Self.kinds[1])
    let few = Tensor((0..<20).map { Int32($0) }, shape: [2, 10])
    let plain = try differentiate(pair, few, parametersOnly: false)
    let once = try differentiate(pair, few, parametersOnly: true)
    for (found, wanted) in zip(once.gradients, plain.gradients) { expectIdentical(found.dense, wanted.dense) }
  }

  /// Trains a step again and again while another thread changes settings, and holds it against one in peace.
  private static func expectSteady(
    _ kind: Kind, while change: @escaping @Sendable () -> Void, _ expectSame: (Tensor, Tensor) -> Void
  ) throws {
    let (tests, pair) = (TableLookupTests(), try Pair(kind))
    let drawn = tests.ids(3, 20, seed: 11)
    func tensors() throws -> [Tensor] {
      let step = try tests.differentiate(pair, drawn, parametersOnly: true)
      return [step.value] + step.gradients.map(\.dense)
    }
    let wanted = try tensors()
    Thread.detachNewThread { while true { change() } }
    for _ in 0..<2_000 { for (found, wanted) in zip(try tensors(), wanted) { expectSame(found, wanted) } }
  }

  @Test func aStepKeepsItsMultiplierWhateverIsChosenMeanwhile() async {
    // In a process of its own, for it chooses for all of it.
    await #expect(processExitsWith: .success) {
      try Self.expectSteady(Self.kinds[1]) {
        for choice in MultiplierChoice.allCases { MultiplierChoice.current = choice }
      } _: {
        expectClose($0, $1, relative: Tolerance.multipliers, toLargest: true)
      }
    }
  }

  @Test func aStepIsTheSameToTheBitThoughTheNumberOfThreadsChangesMeanwhile() async {
    await #expect(processExitsWith: .success) {
      try Self.expectSteady(Self.kinds[4]) {
        for count in 1...3 { Threads.count = count }
      } _: {
        expectIdentical($0, $1)
      }
    }
  }

  @Test func vectorsHaveGradientsUnlessNobodyAsks() throws {
    let pair = try Pair(Self.kinds[3])
    let context = ForwardContext(isTraining: true, isRecording: true)
    let vectors = try pair.embedding.forward(Signal(ids(4, 30, seed: 3)), context)
    let gradient = try pair.layer.forward(vectors, context).value.sum().gradients(withRespectTo: [vectors.value])[0]
    #expect(gradient.abs().sum().item > 0)
  }

  @Test func gradientsAreThoseOfTheVectors() throws {
    let pair = try Pair(Self.kinds[1])
    for _ in 0..<3 { try pair.expectSameWithoutLookup(ids(6, 8, seed: 3)) }
    let table = pair.embedding.parameters[0]
    func gradient(_ change: (Signal) -> Signal) throws -> Tensor {
      let context = ForwardContext(isTraining: true, isRecording: true)
      let vectors = change(try pair.embedding.forward(Signal(ids(6, 8, seed: 3)), context))
      return try pair.layer.forward(vectors, context).value.sum().gradients(withRespectTo: [table.tracked])[0]
    }
    expectIdentical(try gradient { $0 }, try gradient { Signal($0.value) })
  }
}
