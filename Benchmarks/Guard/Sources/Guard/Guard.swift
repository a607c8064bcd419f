import Foundation
import Recurra

/// Measures uses of the library that the tables of `recur-bench` do not hold, and prints one JSON object per line:
/// `{"name": …, "figure": …}`, seconds, or bytes and counts where the name says so.
///
/// `Guard NAME` measures one of them, `Guard` prints their names.
@main
enum Guard {
  static func main() throws {
    guard CommandLine.arguments.count == 2 else {
      for name in figures.keys.sorted() { print(name) }
      return
    }
    let name = CommandLine.arguments[1]
    guard let figure = figures[name] else {
      print("no figure \(name)")
      exit(64)
    }
    print(#"{"name": "\#(name)", "figure": \#(try figure())}"#)
  }

  private static let figures: [String: @Sendable () throws -> Double] = [
    "ragged inference": { try call(lstm(1), 64, 50, 60, lengths: ragged) },
    "ragged training": { try step(lstm(1), 64, 50, 60, lengths: ragged) },
    "stack of 2": { try call(lstm(2), 64, 50, 60) },
    "stack of 3, one row": { try call(lstm(3), 1, 50, 60) },
    "BiLSTM epoch with embedding": { try epoch() },
    "language model step": { try languageModelStep() },
    "dense 512 to 10000": { try call(Sequential { Dense(units: 10_000) }, [32, 512]) },
    "dense 100 to 6": { try call(Sequential { Dense(units: 6, activation: .softmax) }, [64, 100]) },
    "tiny call": {
      try call(
        Sequential {
          LSTM(units: 8); Dense(units: 3, activation: .softmax)
        }, 1, 10, 4)
    },
    "tiny step": { try step(Sequential { LSTM(units: 8) }, 1, 10, 4) },
    "two callers": { try twoCallers() },
    "count of steady allocations": { try steadyAllocations() },
    "bytes of 20000 timesteps": { try longSequenceBytes() },
  ]

  /// 1 … 50 timesteps, in no order.
  private static let ragged = (0..<64).map { 1 + $0 * 29 % 50 }

  private static func lstm(_ layers: Int) -> Sequential {
    Sequential((0..<layers).map { LSTM(units: 100, returnSequences: $0 + 1 < layers) })
  }

  private static func batch(_ shape: [Int]) -> Tensor { RandomSource(seed: 1).normal(shape) }

  private static func call(
    _ model: Sequential, _ rows: Int, _ timesteps: Int, _ inputs: Int, lengths: [Int]? = nil
  ) throws -> Double {
    let x = batch([rows, timesteps, inputs])
    return try least { _ = try model(x, lengths: lengths) }
  }

  private static func call(_ model: Sequential, _ shape: [Int]) throws -> Double {
    let x = batch(shape)
    return try least { _ = try model(x) }
  }

  private static func step(
    _ model: Sequential, _ rows: Int, _ timesteps: Int, _ inputs: Int, lengths: [Int]? = nil
  ) throws -> Double {
    let (x, y) = (batch([rows, timesteps, inputs]), try targets(model, batch([rows, timesteps, inputs])))
    let trainer = try model.compile(loss: .meanSquaredError, optimizer: .adam(learningRate: 1e-8))
    return try least { _ = try trainer.trainBatch(x, y, lengths: lengths) }
  }

  private static func targets(_ model: Sequential, _ x: Tensor) throws -> Tensor { try model(x) * 0 }

  private static func ids(_ shape: [Int], below limit: Int) -> Tensor {
    Tensor((0..<shape.reduce(1, *)).map { Int32($0 * 7_919 % limit) }, shape: shape)
  }

  private static func epoch() throws -> Double {
    let model = Sequential {
      Embedding(inputDim: 5_000, outputDim: 60)
      Bidirectional(LSTM(units: 100))
      Dense(units: 10, activation: .relu)
      Dense(units: 6, activation: .softmax)
    }
    let (x, y) = (ids([512, 50], below: 5_000), ids([512], below: 6))
    let trainer = try model.compile(loss: .sparseCategoricalCrossEntropy, optimizer: .adam(learningRate: 1e-8))
    return try least { try trainer.fit(x, y, batchSize: 64, verbose: .silent) }
  }

  private static func languageModelStep() throws -> Double {
    let model = Sequential {
      Embedding(inputDim: 10_000, outputDim: 128)
      LSTM(units: 128, returnSequences: true)
      Dense(units: 10_000, activation: .softmax)
    }
    let (x, y) = (ids([16, 20], below: 10_000), ids([16, 20], below: 9_999))
    let trainer = try model.compile(loss: .sparseCategoricalCrossEntropy, optimizer: .adam(learningRate: 1e-8))
    return try least { _ = try trainer.trainBatch(x, y) }
  }

  /// Seconds for a sequence while two threads ask for one after the other.
  private static func twoCallers() throws -> Double {
    let (model, x) = (lstm(1), batch([1, 50, 60]))
    _ = try model(x)
    let calls = 2_000
    return (0..<5).map { _ in
      let clock = ContinuousClock()
      let time = clock.measure {
        DispatchQueue.concurrentPerform(iterations: 2) { _ in
          for _ in 0..<calls where (try? model(x)) == nil { exit(1) }
        }
      }
      return time / .seconds(1) / Double(2 * calls)
    }.min() ?? 0
  }

  private static func steadyAllocations() throws -> Double {
    let (model, x) = (lstm(2), batch([16, 30, 60]))
    let y = try targets(model, x)
    let trainer = try model.compile(loss: .meanSquaredError, optimizer: .adam())
    for _ in 0..<10 { _ = try trainer.trainBatch(x, y) }
    let before = StoragePool.statistics.systemAllocations
    for _ in 0..<50 { _ = try trainer.trainBatch(x, y) }
    return Double(StoragePool.statistics.systemAllocations - before)
  }

  private static func longSequenceBytes() throws -> Double {
    let (model, x) = (Sequential { LSTM(units: 32) }, batch([1, 20_000, 8]))
    let y = try targets(model, x)
    let trainer = try model.compile(loss: .meanSquaredError, optimizer: .sgd())
    _ = try trainer.trainBatch(x, y)
    return Double(StoragePool.statistics.peakBytes)
  }

  /// The least time of many runs, after those that warm up.
  private static func least(_ body: () throws -> Void) throws -> Double {
    let clock = ContinuousClock()
    for _ in 0..<3 { try body() }
    let once = try clock.measure(body)
    let count = max(1, Int(Duration.milliseconds(5) / once))
    let times = try (0..<20).map { _ in
      try clock.measure { for _ in 0..<count { try body() } } / .seconds(1) / Double(count)
    }
    return times.min() ?? 0
  }
}
