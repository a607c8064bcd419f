import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// Connectionist temporal classification: against Keras, against all alignments one by one, and in training.
@Suite struct SequenceLossTests {
  static let names = ((try? Fixture("keras_ctc").cases) ?? []).map(\.name)

  private struct Case {
    let labels, logits, weights: Tensor
    let lengths: [Int]
    let wanted: Fixture.Case

    init(_ name: String) throws {
      wanted = try Fixture("keras_ctc")[name]
      labels = try wanted.required("labels")
      logits = try wanted.required("logits")
      weights = try wanted.required("sample_weights")
      lengths = try wanted.required("lengths").scalars(as: Int32.self).map { Int($0) }
    }
  }

  @Test func everyKindOfSequenceHasACase() { #expect(Self.names.count == 4) }

  @Test(arguments: names) func valuesAndGradientsAreKeras(name: String) throws {
    let test = try Case(name)
    let tracked = test.logits.tracked
    let loss = Loss.ctc(test.labels, tracked, lengths: test.lengths)
    let rows = try test.wanted.required("rows").doubles
    #expect((loss.item - rows.reduce(0, +) / 3).magnitude <= 1e-5 * loss.item, "\(name)")
    try expectClose(
      loss.gradients(withRespectTo: [tracked])[0], test.wanted.required("grad_logits"), relative: 1e-5,
      toLargest: true, name)
    for row in 0..<3 {
      let alone = Loss.ctc(
        test.labels[row..<row + 1], test.logits[row..<row + 1].sliced(0..<test.lengths[row], axis: 1)
      ).item
      #expect((alone - rows[row]).magnitude <= 1e-5 * max(rows[row], 1e-2), "\(name), row \(row)")
    }
  }

  @Test(arguments: names) func aSequenceWeighsWhatItsWeightSays(name: String) throws {
    let test = try Case(name)
    let tracked = test.logits.tracked
    let weights = try RowWeights(
      predictions: test.logits.shape, mask: .lengths(test.lengths), sampleWeights: test.weights)
    let found = try Loss.ctc.weighted(test.labels, tracked, weights)
    try expectClose(found.tensor, test.wanted.required("weighted_loss"), relative: 1e-5, name)
    #expect(found.weight == 3.5)
    try expectClose(
      found.tensor.gradients(withRespectTo: [tracked])[0], test.wanted.required("weighted_grad"), relative: 1e-5,
      toLargest: true, name)
    let mean = try Loss.ctc.with(reduction: .sumOverBatchSize).weighted(test.labels, tracked, weights)
    #expect(mean.weight == 3 && mean.sum == found.sum)
    let sum = try Loss.ctc.with(reduction: .sum).weighted(test.labels, tracked, weights)
    #expect(sum.weight == 1 && (sum.tensor.item - found.sum).magnitude < 1e-4 * found.sum)
  }

  @Test(arguments: [[1], [1, 2], [2, 2], [1, 2, 1], [], [2, 1, 1]])
  func theLossIsThatOfAllAlignmentsTogether(labels: [Int32]) throws {
    let (timesteps, classes) = (5, 3)
    let logits = Tensor.varied([1, timesteps, classes], seed: 3 + labels.count, in: -2...2)
    let probabilities = logits.softmax().doubles
    var total = 0.0
    for path in 0..<243 {
      var (rest, steps, probability) = (path, [Int32](), 1.0)
      for time in 0..<timesteps {
        steps.append(Int32(rest % classes))
        probability *= probabilities[time * classes + rest % classes]
        rest /= classes
      }
      let changes = steps.indices.filter { $0 == 0 || steps[$0] != steps[$0 - 1] }.map { steps[$0] }
      if changes.filter({ $0 != 0 }) == labels { total += probability }
    }
    let targets = Tensor(labels + [0], shape: [1, labels.count + 1])
    let loss = Loss.ctc(targets, logits).item
    #expect((Double.exponential(-loss) - total).magnitude < 1e-12, "\(labels)")
  }

  @Test(arguments: names) func gradientsAreDerivatives(name: String) throws {
    let test = try Case(name)
    let scale = name == "steep" ? 0.05 : 1
    expectGradients(
      of: { Loss.ctc(test.labels, $0[0], lengths: test.lengths) },
      at: [test.logits.converted(to: .float64) * scale], name)
  }

  /// Timesteps that do not count are left out: nothing is read of them, and the others are one sequence.
  @Test func maskedTimestepsAreLeftOut() throws {
    let kept = [[0, 2, 3, 6], [1, 2, 4, 5]]
    let logits = Tensor.varied([2, 4, 3], seed: 5)
    let labels = Tensor([1, 1, 0, 2, 1, 0] as [Int32], shape: [2, 3])
    var spread = [Double](repeating: .nan, count: 2 * 7 * 3)
    for row in 0..<2 {
      for (step, time) in kept[row].enumerated() {
        for i in 0..<3 { spread[(row * 7 + time) * 3 + i] = logits[row][step][i].item }
      }
    }
    let mask = try SequenceMask(steps: kept.map { steps in (0..<7).map { steps.contains($0) } })
    let tracked = Tensor(spread, shape: [2, 7, 3]).tracked
    let found = try Loss.ctc.weighted(labels, tracked, RowWeights(predictions: [2, 7, 3], mask: mask))
    #expect(found.tensor.item == Loss.ctc(labels, logits).item)
    let gradient = found.tensor.gradients(withRespectTo: [tracked])[0].doubles
    let source = logits.tracked
    let wanted = Loss.ctc(labels, source).gradients(withRespectTo: [source])[0].doubles
    for row in 0..<2 {
      for time in 0..<7 {
        for i in 0..<3 {
          let step = kept[row].firstIndex(of: time)
          #expect(gradient[(row * 7 + time) * 3 + i] == (step.map { wanted[(row * 4 + $0) * 3 + i] } ?? 0))
        }
      }
    }
    // A row of which nothing counts is no row.
    let half = try RowWeights(predictions: [2, 4, 3], mask: .lengths([4, 0]))
    #expect(try Loss.ctc.weighted(labels, logits, half).mean == Loss.ctc(labels[0..<1], logits[0..<1]).item)
    let none = try RowWeights(predictions: [2, 4, 3], mask: .lengths([0, 0]))
    #expect(try Loss.ctc.weighted(labels, logits, none).tensor.item == 0)
  }

  @Test func longSequencesHaveFiniteLossesAndGradients() {
    let logits = Tensor.varied([1, 2_000, 3], seed: 8, in: -30...30).tracked
    let labels = Tensor((0..<400).map { Int32($0 % 2 + 1) }, shape: [1, 400])
    let loss = Loss.ctc(labels, logits)
    let gradient = loss.gradients(withRespectTo: [logits])[0].doubles
    #expect(loss.item.isFinite && loss.item > 100)
    #expect(gradient.allSatisfy { $0.isFinite && $0.magnitude <= 1 })
    // The derivatives by the logits of a timestep add up to nothing.
    for start in stride(from: 0, to: gradient.count, by: 3) {
      let sum: Double = gradient[start] + gradient[start + 1] + gradient[start + 2]
      #expect(sum.magnitude < 1e-9)
    }
  }

  static let refused: [(labels: [Int32], message: String)] = [
    ([1, 5], "labels in 0..<3, got 5.0 in row 0"), ([-1, 1], "labels in 0..<3, got -1.0 in row 0"),
    ([0, 1], "zeros behind labels alone, got one in front of 1 in row 0"),
    (
      [2, 2],
      "at least 3 timesteps for 2 labels, with a blank between two that are the same, got 2 in row 0"
    ),
  ]

  @Test(arguments: refused.indices) func whatCannotBeIsRefused(index: Int) throws {
    let (labels, message) = Self.refused[index]
    let error = #expect(throws: RecurraError.self) {
      try Loss.ctc.weighted(
        Tensor(labels, shape: [1, 2]), .zeros([1, 2, 3]), RowWeights(predictions: [1, 2, 3]))
    }
    #expect(error?.description == "ctc: expected \(message)")
  }

  @Test func shapesAndWeightsThatDoNotFitAreRefused() throws {
    let weights = try RowWeights(predictions: [1, 2, 3])
    #expect(throws: RecurraError.self) { try Loss.ctc.weighted(Tensor([1] as [Int32]), .zeros([1, 2, 3]), weights) }
    let uneven = try RowWeights(
      predictions: [1, 2, 3], sampleWeights: Tensor([1, 2] as [Float], shape: [1, 2]))
    let error = #expect(throws: RecurraError.self) {
      try Loss.ctc.weighted(Tensor([1] as [Int32], shape: [1, 1]), .zeros([1, 2, 3]), uneven)
    }
    #expect(error?.description == "ctc: expected one weight for each sequence, got several in row 0")
    let model = Sequential([LSTM(units: 3), Dense(units: 3)])
    let trainer = try model.compile(loss: .ctc, optimizer: .sgd())
    let flat = #expect(throws: RecurraError.self) {
      try trainer.fit(.zeros([2, 4, 2]), Tensor([1, 2] as [Int32], shape: [2, 1]), verbose: .silent)
    }
    #expect(flat?.description == "fit: expected y [B, L] and an output [B, T, C] for ctc, got [2, 1] and [?, 3]")
  }

  @Test func aFileBringsTheLossBack() throws {
    for name in ["ctc", "CTC"] { #expect(try Loss(configuration: .string(name)).name == "ctc") }
    let loss = Loss.ctc.with(reduction: .sumOverBatchSize)
    #expect(try Loss(configuration: loss.configuration).configuration == loss.configuration)
    #expect(loss.mismatch(lastActivation: .softmax) != nil && loss.mismatch(lastActivation: .linear) == nil)
  }

  /// Each symbol shows for two to four timesteps, with pauses: which stand in a sequence, and in which order?
  @Test func aReaderLearnsToSpellSequencesOfDifferentLengths() throws {
    let random = RandomSource(seed: 2)
    let draws = random.uniform([60, 12], dtype: .float64).scalars(as: Double.self)
    var (frames, labels) = ([Tensor](), [[Int32]]())
    for row in 0..<60 {
      let numbers = Array(draws[row * 12..<(row + 1) * 12])
      let symbols = numbers[0..<(2 + Int(numbers[11] * 2))].map { 1 + Int32($0 * 3) }
      var steps: [Float] = []
      for (index, symbol) in symbols.enumerated() {
        for _ in 0..<(2 + Int(numbers[4 + index] * 3)) { steps += (1...3).map { $0 == symbol ? 1 : 0 } }
        steps += [0, 0, 0]
      }
      frames.append(Tensor(steps, shape: [steps.count / 3, 3]))
      labels.append(symbols)
    }
    let (x, lengths) = try Tensor.padSequences(frames)
    let (y, _) = try Tensor.padSequences(labels)
    func losses(blockSize: Int?) throws -> [Double] {
      let model = Sequential(seed: 3) {
        Bidirectional(LSTM(units: 8, returnSequences: true))
        Dense(units: 4)
      }
      let trainer = try model.compile(loss: .ctc, optimizer: .adam(learningRate: 0.02))
      let history = try trainer.fit(
        x, y, lengths: lengths, batchSize: 20, blockSize: blockSize, epochs: 30, verbose: .silent, seed: 4)
      return history["loss"] ?? []
    }
    let whole = try losses(blockSize: nil)
    #expect(whole[0] > 3 && whole[29] < 0.3, "\(whole)")
    let blocks = try losses(blockSize: 7)
    #expect((whole[0] - blocks[0]).magnitude < 1e-4 * whole[0] && (whole[9] - blocks[9]).magnitude < 0.02 * whole[9])
  }
}
