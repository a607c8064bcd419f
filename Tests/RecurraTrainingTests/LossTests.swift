import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

@Suite struct LossTests {
  static let keras: [(case: String, loss: Loss)] = [
    ("sparse_categorical_probabilities", .sparseCategoricalCrossEntropy),
    ("sparse_categorical_logits", .sparseCategoricalCrossEntropy(fromLogits: true)),
    ("categorical_probabilities", .categoricalCrossEntropy),
    ("categorical_logits", .categoricalCrossEntropy(fromLogits: true)),
    ("categorical_logits_smoothed", .categoricalCrossEntropy(fromLogits: true, labelSmoothing: 0.1)),
    ("binary_probabilities", .binaryCrossEntropy),
    ("binary_logits", .binaryCrossEntropy(fromLogits: true)),
    ("mean_squared_error", .meanSquaredError), ("mean_absolute_error", .meanAbsoluteError), ("huber", .huber()),
    ("huber_half", .huber(delta: 0.5)),
  ]

  @Test(arguments: keras.indices) func valuesAndGradientsAreKeras(index: Int) throws {
    let (name, loss) = Self.keras[index]
    let reference = try Fixture("keras_losses")
    let predictions = try reference.tensor("\(name).predictions").tracked
    let value = try loss(reference.tensor("\(name).targets"), predictions)
    try expectClose(value, reference.tensor("\(name).loss"), relative: 1e-5, name)
    let gradient = value.gradients(withRespectTo: [predictions])[0]
    try expectClose(gradient, reference.tensor("\(name).grad_predictions"), relative: 1e-5, toLargest: true, name)
  }

  @Test(arguments: keras.indices) func eachRowIsKeras(index: Int) throws {
    let (name, loss) = Self.keras[index]
    let reference = try Fixture("keras_losses")
    let (targets, predictions) = try (reference.tensor("\(name).targets"), reference.tensor("\(name).predictions"))
    let rows = try reference.tensor("\(name).rows").doubles
    for row in rows.indices {
      let value = loss(targets[row..<row + 1], predictions[row..<row + 1]).item
      #expect((value - rows[row]).magnitude <= 1e-5 * max(rows[row].magnitude, 1e-2), "\(name) row \(row)")
    }
  }

  static let labels = Tensor([2, 0, 3, 1, 2] as [Int32])
  static let oneHot = Tensor.varied([5, 4], seed: 3, in: 0.1...0.9)

  @Test func gradientsAreDerivatives() {
    let probabilities = Tensor.varied([5, 4], seed: 4, in: 0.05...0.9)
    let logits = Tensor.varied([5, 4], seed: 5, in: -3...3)
    for (loss, point) in [
      (Loss.sparseCategoricalCrossEntropy, probabilities), (.sparseCategoricalCrossEntropy(fromLogits: true), logits),
    ] {
      expectGradients(of: { loss(Self.labels, $0[0]) }, at: [point], "\(loss.name)")
    }
    for (loss, point) in [
      (Loss.categoricalCrossEntropy, probabilities), (.categoricalCrossEntropy(fromLogits: true), logits),
      (.categoricalCrossEntropy(fromLogits: false, labelSmoothing: 0.2), probabilities),
      (.binaryCrossEntropy, probabilities),
      (.binaryCrossEntropy(fromLogits: true, labelSmoothing: 0.2), logits), (.meanSquaredError, logits),
      (.meanAbsoluteError, logits), (.huber(delta: 0.7), logits),
    ] {
      expectGradients(of: { loss(Self.oneHot, $0[0]) }, at: [point], "\(loss.name)")
    }
  }

  @Test func whatFollowsALossScalesItsGradient() {
    expectGradients(
      of: { (Loss.meanSquaredError(Self.oneHot, $0[0]) * 3).exp() }, at: [.varied([5, 4], seed: 6, in: -0.5...0.5)])
  }

  @Test func paddedTimestepsDoNotCount() {
    // B 2, T 3, C 4: the mean over the four valid timesteps, whatever the padding holds.
    let predictions = Tensor.varied([2, 3, 4], seed: 7)
    let labels = Tensor([0, 1, 2, 3, 0, 1] as [Int32], shape: [2, 3])
    let loss = Loss.sparseCategoricalCrossEntropy(fromLogits: true)
    let valid = Tensor.concatenated([predictions[0], predictions[1][0..<1]])
    let wanted = loss(Tensor([0, 1, 2, 3] as [Int32]), valid)
    expectClose(loss(labels, predictions, lengths: [3, 1]), wanted)
    expectGradients(of: { loss(labels, $0[0], lengths: [3, 1]) }, at: [predictions])
    let tracked = predictions.tracked
    let gradient = loss(labels, tracked, lengths: [3, 1]).gradients(withRespectTo: [tracked])[0]
    expectIdentical(gradient[1][1..<3], .zeros([2, 4], dtype: .float64))
    let own = Loss("own") { targets, predictions in (predictions - targets).squared }
    let targets = Tensor.varied([2, 3, 4], seed: 8)
    expectClose(
      own(targets, predictions, lengths: [3, 1]), Loss.meanSquaredError(targets, predictions, lengths: [3, 1]))
  }

  @Test func nothingValidIsNoLossAndNoNaN() {
    let loss = Loss.meanSquaredError(.varied([2, 3, 4]), .varied([2, 3, 4], seed: 9), lengths: [0, 0])
    #expect(loss.item == 0)
  }

  @Test func aLossOfOnesOwnGetsItsGradient() {
    let own = Loss("cubic") { targets, predictions in (predictions - targets).abs().power(3) }
    expectGradients(of: { own(Self.oneHot, $0[0]) }, at: [.varied([5, 4], seed: 10, in: 1...2)])
  }

  @Test func extremeLogitsGiveFiniteLosses() {
    let logits = Tensor([1e4, -1e4, 0, 88] as [Float], shape: [1, 4]).tracked
    let loss = Loss.sparseCategoricalCrossEntropy(fromLogits: true)(Tensor([1] as [Int32]), logits)
    #expect(loss.item == 2e4)
    #expect(loss.gradients(withRespectTo: [logits])[0].scalars() == [1, -1, 0, 0] as [Float])
    let binary = Loss.binaryCrossEntropy(fromLogits: true)(Tensor([0, 1, 1, 0] as [Float], shape: [1, 4]), logits)
    #expect(binary.item == Double(Float((1e4 + 1e4 + 0.6931472 + 88) / 4)))
  }

  @Test func atACornerTheGradientIsThatOfKeras() {
    // |0| has the slope 0; a NaN stays one.
    let predictions = Tensor([0.5, 2, -1, .nan] as [Float]).tracked
    let slopes = Loss.meanAbsoluteError(Tensor([0.5, 1, 1, 0] as [Float]), predictions)
      .gradients(withRespectTo: [predictions])[0].scalars(as: Float.self)
    #expect(slopes[0] == 0 && slopes[1] == 0.25 && slopes[2] == -0.25 && slopes[3].isNaN)
    // A gradient passes at the limits that probabilities are cut to, and not beyond them.
    for (p, passes) in [(Float(1e-7), true), (Float(1e-7).nextDown, false), (0, false), (1, false)] {
      let probability = Tensor([p]).tracked
      let slope = Loss.binaryCrossEntropy(Tensor([p > 0.5 ? 0 : 1] as [Float]), probability)
        .gradients(withRespectTo: [probability])[0].item
      #expect((slope != 0) == passes, "\(p)")
    }
  }

  @Test func aClassOfNoTargetMayHaveAnInfiniteLogit() {
    let logits = Tensor([1, -.infinity, 0.5] as [Double], shape: [1, 3])
    let loss = Loss.categoricalCrossEntropy(fromLogits: true)(Tensor([0.25, 0, 0.75], shape: [1, 3]), logits).item
    let two = Loss.categoricalCrossEntropy(fromLogits: true)(
      Tensor([0.25, 0.75], shape: [1, 2]), Tensor([1, 0.5] as [Double], shape: [1, 2])
    ).item
    #expect((loss - two).magnitude < 1e-15)
  }

  @Test func aLossOfOnesOwnMayGiveAsManyNumbersAsItLikes() throws {
    // Where all rows weigh the same nothing has to be told apart: differences from row to row, or every pair of rows.
    let (targets, predictions) = (Tensor.varied([5, 2], seed: 91), Tensor.varied([5, 2], seed: 92))
    let steps = Loss("steps") { targets, predictions in (predictions[1..<5] - predictions[0..<4]).abs().mean(axes: [1])
    }
    let pairs = Loss("pairs") { targets, predictions in
      (predictions.expanded(at: 0) - predictions.expanded(at: 1)).squared.mean(axes: [2])
    }
    let (p, n) = (predictions.doubles, 5)
    let stepwise = (0..<8).reduce(0) { $0 + (p[$1 + 2] - p[$1]).magnitude } / 8
    var pairwise = 0.0
    for i in 0..<n {
      for j in 0..<n { for k in 0..<2 { pairwise += (p[2 * i + k] - p[2 * j + k]) * (p[2 * i + k] - p[2 * j + k]) } }
    }
    #expect((steps(targets, predictions).item - stepwise).magnitude < 1e-15)
    #expect((pairs(targets, predictions).item - pairwise / 50).magnitude < 1e-15)
  }

  @Test func aTargetColumnFitsFlatTargets() {
    let predictions = Tensor.varied([5, 1], seed: 11)
    let targets = Tensor.varied([5], seed: 12)
    expectIdentical(
      Loss.meanSquaredError(targets, predictions), Loss.meanSquaredError(targets.reshaped([5, 1]), predictions))
  }

  @Test func namesAreKeras() throws {
    for (_, loss) in Self.keras { #expect(try Loss(named: loss.name).name == loss.name) }
    let error = #expect(throws: RecurraError.self) { try Loss(named: "cross") }
    #expect(error?.kind == .badArgument && error?.got == #""cross""#)
  }
}
