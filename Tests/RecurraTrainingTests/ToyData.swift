import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport

/// A small task that a dense network learns: three classes of points in the plane of five features.
enum ToyData {
  static let rows = 23

  static let x = Tensor.varied([rows, 5], seed: 21, dtype: .float32)
  static let labels = Tensor(
    x.doubles.enumerated().filter { $0.offset % 5 == 0 }.map {
      Int32($0.element < -0.3 ? 0 : ($0.element < 0.3 ? 1 : 2))
    })
  /// [rows, 2].
  static let targets = x.matrixProduct(.varied([5, 2], seed: 22, dtype: .float32))

  static func classifier(seed: UInt64 = 7) -> Sequential {
    Sequential([Dense(units: 7, activation: .tanh), Dense(units: 3, activation: .softmax)], seed: seed)
  }

  static func regressor(seed: UInt64 = 7) -> Sequential {
    Sequential([Dense(units: 4, activation: .tanh), Dense(units: 2)], seed: seed)
  }

  static func trainer(seed: UInt64 = 7, optimizer: Optimizer = .adam(learningRate: 0.02)) throws -> Trainer {
    try classifier(seed: seed).compile(loss: .sparseCategoricalCrossEntropy, optimizer: optimizer, metrics: [.accuracy])
  }
}
