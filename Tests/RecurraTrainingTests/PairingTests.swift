import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// Targets and predictions of unlike shapes are brought to one, never stretched over each other.
@Suite struct PairingTests {
  /// Shapes of predictions, and of targets that fit them.
  static let shapes: [(predictions: [Int], targets: [[Int]])] = [
    ([4, 1], [[4], [4, 1], [4, 1, 1]]), ([4], [[4], [4, 1]]), ([3, 3, 1], [[3, 3], [3, 3, 1]]),
    ([3, 5, 1], [[3, 5]]), ([3, 3], [[3, 3], [3, 3, 1]]), ([1, 1], [[1], [1, 1]]), ([2, 1, 3], [[2, 3]]),
  ]

  static let losses: [Loss] = [
    .meanSquaredError, .meanAbsoluteError, .huber(), .binaryCrossEntropy, .binaryCrossEntropy(fromLogits: true),
    Loss("own") { targets, predictions in
      #expect(targets.shape == predictions.shape)
      return (predictions - targets).squared
    },
  ]

  @Test(arguments: losses.indices) func lossesPairElements(index: Int) throws {
    let loss = Self.losses[index]
    for (shape, others) in Self.shapes {
      let predictions = Tensor.varied(shape, seed: 51, in: 0.1...0.9)
      for other in others {
        let targets = Tensor.varied(other, seed: 52, in: 0.1...0.9)
        let wanted = loss(targets.reshaped(shape), predictions)
        expectIdentical(loss(targets, predictions), wanted, "\(loss.name) \(other) \(shape)")
        let naive = zip(targets.doubles, predictions.doubles).map {
          loss(Tensor([$0], shape: [1, 1]), Tensor([$1], shape: [1, 1])).item
        }
        #expect((wanted.item - naive.reduce(0, +) / Double(naive.count)).magnitude < 1e-14, "\(loss.name)")
      }
    }
  }

  static let metrics: [Metric] = [
    .meanSquaredError, .meanAbsoluteError, .binaryAccuracy,
    Metric("own") { targets, predictions in
      #expect(targets.shape == predictions.shape)
      return (predictions - targets).abs()
    },
  ]

  @Test(arguments: metrics.indices) func metricsPairElements(index: Int) throws {
    let metric = Self.metrics[index]
    for (shape, others) in Self.shapes {
      let predictions = Tensor.varied(shape, seed: 53, in: 0...1)
      let weights = try RowWeights(predictions: shape)
      for other in others {
        let targets = Tensor.varied(other, seed: 54, in: 0...1)
        let found = try metric.weighted(targets, predictions, weights)
        #expect(
          found == (try metric.weighted(targets.reshaped(shape), predictions, weights)), "\(metric.name) \(shape)")
      }
    }
  }

  /// A model with one output learns each target, not their mean.
  @Test func aLossOfOnesOwnTrainsOnFlatTargets() throws {
    let x = Tensor.varied([16, 3], seed: 55, dtype: .float32)
    let y = x.matrixProduct(Tensor([1, -2, 0.5] as [Float], shape: [3, 1])).reshaped([16])
    let model = Sequential([Dense(units: 1)], seed: 3)
    let own = Loss("own") { ($1 - $0).squared }
    let metric = Metric("distance") { ($1 - $0).abs() }
    let trainer = try model.compile(loss: own, optimizer: .sgd(learningRate: 0.3), metrics: [metric])
    let history = try trainer.fit(x, y, batchSize: 4, epochs: 60, verbose: .silent)
    #expect(try #require(history["loss"]?.last) < 1e-6 && #require(history["distance"]?.last) < 1e-3)
  }

  @Test func elementsThatDoNotFitAreRefused() {
    for (targets, predictions) in [([4, 2], [2, 4]), ([4], [4, 2]), ([2, 4], [4]), ([3, 2], [3, 3])] {
      for loss in Self.losses.dropLast() {
        let error = #expect(throws: RecurraError.self) {
          try loss.weighted(.full(targets, 0.5), .full(predictions, 0.5), RowWeights(predictions: predictions))
        }
        #expect(error?.kind == .badData && error?.got == "shape \(targets)", "\(loss.name)")
      }
    }
  }
}
