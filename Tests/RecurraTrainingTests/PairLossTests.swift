import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// Circle loss, in which rows are compared with each other.
@Suite struct PairLossTests {
  static let names = ((try? Fixture("keras_circle").cases) ?? []).map(\.name)

  private static func loss(_ test: Fixture.Case) throws -> Loss {
    let options = try #require(test.arguments?["options"])
    return try Loss(configuration: .object([("class_name", .string("Circle")), ("config", options)]))
  }

  @Test func everyKindOfBatchHasACase() { #expect(Self.names.count == 4) }

  @Test(arguments: names) func valuesAndGradientsAreKeras(name: String) throws {
    let test = try Fixture("keras_circle")[name]
    let (loss, labels) = (try Self.loss(test), try test.required("labels"))
    let tracked = try test.required("predictions").tracked
    let value = loss(labels, tracked)
    try expectClose(value, test.required("loss"), relative: 1e-5, name)
    let gradient = value.gradients(withRespectTo: [tracked])[0]
    #expect(gradient.doubles.allSatisfy(\.isFinite) && gradient.doubles.contains { $0 != 0 })
    if let wanted = test["grad"] { expectClose(gradient, wanted, relative: 1e-5, toLargest: true, name) }
    let weights = try RowWeights(
      predictions: tracked.shape, targets: labels, sampleWeights: test.required("sample_weights"))
    let weighted = try loss.with(reduction: .meanWithSampleWeight).weighted(labels, tracked, weights)
    try expectClose(weighted.tensor, test.required("weighted_loss"), relative: 1e-5, name)
    let rows = try test.required("rows").doubles
    #expect(
      try loss.with(reduction: .sumOverBatchSize).weighted(labels, tracked, weights).weight
        == Double(rows.count { $0 > 0 }))
    #expect(try loss.with(reduction: .sum).weighted(labels, tracked, weights).weight == 1)
  }

  @Test(arguments: [(20.0, 0.4, true), (3, 0, false), (5, 0.9, true)])
  func gradientsAreDerivatives(gamma: Double, margin: Double, removeDiagonal: Bool) {
    let labels = Tensor([4, 1, 1, 4, 9, 4] as [Int32])
    expectGradients(
      of: { inputs in
        let lengths = inputs[0].squared.sum(axes: [1], keepingDimensions: true).sqrt()
        return Loss.circle(gamma: gamma, margin: margin, removeDiagonal: removeDiagonal)(labels, inputs[0] / lengths)
      }, at: [.varied([6, 3], seed: 4)], "\(gamma) \(margin)")
  }

  @Test func rowsThatDoNotCountAreNeverRead() throws {
    let labels = Tensor([1, 2, 1, 2, 1] as [Float])
    let clean = Tensor.varied([5, 3], seed: 6)
    var numbers = clean.doubles
    for i in 3..<6 { numbers[i] = .nan }
    let tracked = Tensor(numbers, shape: [5, 3]).tracked
    let weights = try RowWeights(
      predictions: [5, 3], targets: labels, sampleWeights: Tensor([1, 0, 1, 2, 1] as [Float]))
    let found = try Loss.circle(gamma: 4).weighted(labels, tracked, weights)
    let kept = Tensor([0, 2, 3, 4] as [Int32])
    let wanted = Loss.circle(gamma: 4)(labels.gathered(kept), clean.gathered(kept)).item
    #expect((found.mean - wanted).magnitude < 1e-12)
    let gradient = found.tensor.gradients(withRespectTo: [tracked])[0].doubles
    #expect(gradient.allSatisfy(\.isFinite) && gradient[3..<6].allSatisfy { $0 == 0 })
    let none = try RowWeights(predictions: [5, 3], targets: labels, sampleWeights: .zeros([5]))
    #expect(try Loss.circle().weighted(labels, tracked, none).tensor.item == 0)
  }

  @Test func whatDoesNotFitIsRefused() throws {
    let weights = try RowWeights(predictions: [3, 2])
    #expect(throws: RecurraError.self) { try Loss.circle().weighted(.zeros([3, 2]), .zeros([3, 2]), weights) }
    for loss in [Loss.circle(gamma: 0), .circle(margin: -0.1), .circle(gamma: .infinity)] {
      #expect(throws: RecurraError.self) { try loss.validate() }
    }
    let model = Sequential([LSTM(units: 3, returnSequences: true)])
    let trainer = try model.compile(loss: .circle(), optimizer: .sgd())
    let error = #expect(throws: RecurraError.self) {
      try trainer.fit(.zeros([2, 4, 2]), Tensor([1, 2] as [Int32]), verbose: .silent)
    }
    #expect(error?.description == "fit: expected y [B] and an output [B, D] for circle, got [2] and [?, 4, 3]")
  }

  @Test func aFileBringsTheLossBack() throws {
    let loss = Loss.circle(gamma: 3, margin: 0.2, removeDiagonal: false).with(reduction: .sum)
    #expect(try Loss(configuration: loss.configuration).configuration == loss.configuration)
    #expect(try Loss(named: "circle").configuration == Loss.circle().configuration)
  }

  @Test func rowsOfAClassMoveTogether() throws {
    let x = Tensor.varied([24, 5], seed: 9, dtype: .float32)
    let y = Tensor((0..<24).map { Int32($0 % 3) * 7 })
    let model = Sequential(seed: 2) {
      Dense(units: 16, activation: .relu)
      Dense(units: 4)
      UnitNormalization()
    }
    let trainer = try model.compile(loss: .circle(gamma: 16), optimizer: .adam(learningRate: 0.02))
    let history = try trainer.fit(x, y, batchSize: 24, epochs: 60, verbose: .silent)
    let losses = try #require(history["loss"])
    #expect(losses[59] < losses[0] / 3, "\(losses)")
  }
}
