import Foundation
import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// Metrics of one's own that are no means over rows: they are made of sums over all batches.
@Suite struct OwnMetricTests {
  /// The share of right ones among what is called positive; 7 sums with other numbers, so that none stands for another.
  static let precision = Metric("precision", sums: 2) { targets, predictions in
    let said = predictions.isGreater(than: Tensor(0.5)).converted(to: .float32)
    return .stacked([said * targets, said], axis: -1)
  } result: {
    $0[0] / max($0[1], 1)
  }

  static let answers: [Float] = [0.9, 0.8, 0.1, 0.7, 0.2, 0.6, 0.3, 0.9, 0.4, 0.8, 0.1]
  static let truth: [Float] = [1, 0, 1, 1, 0, 0, 1, 1, 1, 1, 0]
  private let x = Tensor(answers, shape: [11, 1])
  private let y = Tensor(truth, shape: [11, 1])

  /// A model that gives out what it is given.
  private func trainer(_ metrics: [Metric]) throws -> Trainer {
    let model = Sequential([Dense(units: 1, useBias: false)])
    try model.build(inputShape: [nil, 1])
    model.parameters[0].value = .ones([1, 1])
    return try model.compile(loss: .meanSquaredError, optimizer: .sgd(learningRate: 0), metrics: metrics)
  }

  @Test(arguments: [1, 2, 3, 11]) func sumsGoOnFromBatchToBatch(batchSize: Int) throws {
    let trainer = try trainer([.meanAbsoluteError, Self.precision, .meanSquaredError])
    let logs = try trainer.evaluate(x, y, batchSize: batchSize, verbose: .silent)
    // Six are called positive, and four of them are.
    #expect(abs((logs["precision"] ?? 0) - 4.0 / 6) < 1e-6)
    let errors = zip(Self.answers, Self.truth).map { Double($0 - $1) }
    #expect(abs((logs["mean_absolute_error"] ?? 0) - errors.map(\.magnitude).reduce(0, +) / 11) < 1e-6)
    #expect(abs((logs["mean_squared_error"] ?? 0) - errors.map { $0 * $0 }.reduce(0, +) / 11) < 1e-6)
    let history = try trainer.fit(x, y, batchSize: batchSize, epochs: 2, verbose: .silent)
    #expect((history["precision"] ?? []).allSatisfy { abs($0 - 4.0 / 6) < 1e-6 })
  }

  @Test func weightsCountInEverySum() throws {
    let trainer = try trainer([Self.precision])
    let weights = Tensor((0..<11).map { Float($0 % 3) })
    let counted = zip(zip(Self.answers, Self.truth), (0..<11).map { Double($0 % 3) }).filter { $0.0.0 > 0.5 }
    let (right, all) = counted.reduce((0.0, 0.0)) { ($0.0 + Double($1.0.1) * $1.1, $0.1 + $1.1) }
    let logs = try trainer.evaluate(x, y, sampleWeights: weights, batchSize: 4, verbose: .silent)
    #expect(abs((logs["precision"] ?? 0) - right / all) < 1e-6)
    let nothing = try trainer.evaluate(x, y, sampleWeights: .zeros([11]), verbose: .silent)
    #expect(nothing["precision"] == 0)
  }

  @Test func theyStandAmongTheMetricsOfSeveralOutputs() throws {
    let input = Input(shape: [1])
    let outputs = ["one", "two"].map { Dense(units: 1, useBias: false)(input, name: $0) }
    let model = try Model(inputs: [input], outputs: outputs)
    for parameter in model.parameters { parameter.value = .ones([1, 1]) }
    let trainer = try model.compile(
      loss: [.meanSquaredError, .meanAbsoluteError], optimizer: .sgd(learningRate: 0),
      metrics: [[Self.precision, .meanAbsoluteError], [.meanSquaredError, Self.precision]])
    let logs = try trainer.evaluate(Examples([x], [y, 1 - y]), batchSize: 4, verbose: .silent)
    #expect(abs((logs["one_precision"] ?? 0) - 4.0 / 6) < 1e-6)
    #expect(abs((logs["two_precision"] ?? 0) - 2.0 / 6) < 1e-6)
    let errors = zip(Self.answers, Self.truth).map { (one: Double($0 - $1), two: Double($0 - (1 - $1))) }
    #expect(abs((logs["one_mean_absolute_error"] ?? 0) - errors.map(\.one.magnitude).reduce(0, +) / 11) < 1e-6)
    #expect(abs((logs["two_mean_squared_error"] ?? 0) - errors.map { $0.two * $0.two }.reduce(0, +) / 11) < 1e-6)
  }

  @Test func aFileKeepsTheSumsOfAnEpochUnderWay() throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "recurra-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let saving = LambdaCallback(onTrainBatchEnd: { batch, _, trainer throws(RecurraError) in
      if batch == 1 { try trainer.save(to: path) }
    })
    let whole = try trainer([Self.precision]).fit(x, y, batchSize: 4, callbacks: [saving], verbose: .silent)
    let again = try Trainer(contentsOf: path, registry: .standard.adding(Self.precision))
    let rest = try again.fit(x, y, batchSize: 4, callbacks: [], verbose: .silent)
    #expect(rest["precision"] == whole["precision"] && rest["precision"]?.count == 1)
    #expect(throws: RecurraError.self) { try Trainer(contentsOf: path) }
  }
}
