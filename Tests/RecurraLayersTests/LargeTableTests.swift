import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

extension TableLookupTests {
  /// Tables of more rows than are multiplied in one go (192), or go back through the weights in one piece (96).
  @Suite struct LargeTables {
    /// Every word, in an order of its own, and some of them again.
    private static func text(_ words: Int, rows: Int, timesteps: Int) -> Tensor {
      Tensor((0..<(rows * timesteps)).map { Int32(($0 * 7_919 + $0 / words) % words) }, shape: [rows, timesteps])
    }

    @Test(
      "Products are looked up to the bit, those of the last rows too", arguments: TableLookupTests.kinds, [193, 1_000])
    func products(kind: Kind, words: Int) throws {
      let pair = try Pair(kind, vocabulary: words)
      let text = Self.text(words, rows: 25, timesteps: 40)
      // The first call has met as many words as the table has rows.
      for call in 0..<2 { try pair.expectSameWithoutLookup(text, "call \(call)") }
      let last = Tensor((0..<60).map { Int32(words - 1 - $0) }, shape: [6, 10])
      try pair.expectSameWithoutLookup(last, "the last rows")
    }

    /// Words of a text that repeats each of them twice, for gates' gradients that stay in a cache, and for some that
    /// outgrow it.
    @Test(
      "Words that repeat go back once each, with the gradient of all of their places",
      arguments: TableLookupTests.kinds, [(97, 19), (385, 19), (385, 110)])
    func gradients(kind: Kind, size: (words: Int, units: Int)) throws {
      let rows = (size.words + 9) / 10
      try expectGradients(
        Pair(kind, vocabulary: size.words + 5, units: size.units), Self.text(size.words, rows: 2 * rows, timesteps: 11))
    }

    @Test(
      "A table of 5,000 words, most of which come twice",
      arguments: [TableLookupTests.kinds[1], TableLookupTests.kinds[4]])
    func manyWords(kind: Kind) throws {
      let pair = try Pair(kind, vocabulary: 5_000)
      let text = Self.text(5_000, rows: 64, timesteps: 160)
      try pair.expectSameWithoutLookup(text)
      try expectGradients(pair, text)
    }

    /// Holds the gradients of a batch that goes back word by word against those that go back timestep by timestep, and
    /// the table's against the gradient of every vector, added up here.
    private func expectGradients(_ pair: Pair, _ text: Tensor) throws {
      let tests = TableLookupTests()
      let plain = try tests.differentiate(pair, text, parametersOnly: false)
      let once = try tests.differentiate(pair, text, parametersOnly: true)
      expectIdentical(once.value, plain.value, "forward")
      for (index, (found, wanted)) in zip(once.gradients, plain.gradients).enumerated() {
        expectClose(
          found.dense, wanted.dense, relative: Tolerance.multipliers, toLargest: true, "parameter \(index)")
      }
      guard case .rows(let found) = once.gradients[0] else {
        Issue.record("the gradient of the table is not a list of rows")
        return
      }
      let ids = text.scalars(as: Int32.self)
      #expect(found.indices.count == Set(ids).count, "a word went back more than once")
      let vectors = try vectorGradient(pair, text).doubles
      let shape = pair.embedding.parameters[0].shape
      var sums = [Double](repeating: 0, count: shape[0] * shape[1])
      for (place, id) in ids.enumerated() {
        for column in 0..<shape[1] { sums[Int(id) * shape[1] + column] += vectors[place * shape[1] + column] }
      }
      expectClose(
        found.dense, Tensor(sums, shape: shape).converted(to: .float32), relative: Tolerance.multipliers,
        toLargest: true,
        "the table by hand")
    }

    /// The gradient of every vector, of the loss that `differentiate` uses; nobody knows that they come from a table.
    private func vectorGradient(_ pair: Pair, _ text: Tensor) throws -> Tensor {
      let context = ForwardContext(isTraining: true, isRecording: true)
      let vectors = try pair.embedding.forward(Signal(text), ForwardContext()).value.tracked
      let output = try pair.layer.forward(Signal(vectors), context).value
      let loss = (output * Tensor.varied(output.shape, seed: 5).converted(to: .float32)).sum()
      return loss.gradients(withRespectTo: [vectors])[0]
    }
  }
}
