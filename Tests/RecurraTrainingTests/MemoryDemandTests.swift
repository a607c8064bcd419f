import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// What calls on data ask for before they take it. In processes of their own: the limit holds for all of a process.
@Suite struct MemoryDemandTests {
  /// Outputs of 4,000 numbers a timestep, from ids that take little themselves.
  private static func model() -> Sequential {
    Sequential(seed: 1) {
      Embedding(inputDim: 9, outputDim: 4)
      LSTM(units: 8, returnSequences: true)
      Dense(units: 4_000)
    }
  }

  private static let x = Tensor([Int32](repeating: 3, count: 64 * 50), shape: [64, 50])

  private static func expectRefusal(
    _ words: String, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
  ) {
    let before = StoragePool.statistics.peakBytes
    let error = #expect(throws: RecurraError.self, sourceLocation: sourceLocation) { try body() }
    #expect(error?.kind == .outOfMemory, sourceLocation: sourceLocation)
    #expect(error?.description.contains(words) == true, "\(error as Any)", sourceLocation: sourceLocation)
    #expect(StoragePool.statistics.peakBytes < before + (1 << 20), "nothing was taken", sourceLocation: sourceLocation)
  }

  @Test("predict asks for the outputs of all rows, and for those of a batch")
  func predict() async {
    await #expect(processExitsWith: .success) {
      let model = Self.model()
      _ = try model.predict(Self.x[0..<1])
      let held = StoragePool.statistics.liveBytes
      // All rows in batches of four: 51.2 MB of outputs, and as much to join them.
      MemoryLimit.byteCount = held + 100_000_000
      Self.expectRefusal("predict: expected at most") { _ = try model.predict(Self.x, batchSize: 4) }
      Self.expectRefusal("102400000 bytes for outputs [64, 50, 4000]") { _ = try model.predict(Self.x, batchSize: 4) }
      MemoryLimit.byteCount = held + 110_000_000
      #expect(try model.predict(Self.x, batchSize: 4).shape == [64, 50, 4_000])
      MemoryLimit.byteCount = held + 40_000_000
      Self.expectRefusal("64 rows at a time (a smaller batchSize needs less)") {
        _ = try model.predict(Self.x, batchSize: 64)
      }
    }
  }

  @Test("evaluate and fit ask for the rows that go through at a time, and training for what all layers keep")
  func training() async {
    await #expect(processExitsWith: .success) {
      let trainer = try Self.model().compile(loss: .meanSquaredError, optimizer: .sgd())
      let y = Tensor.zeros([64, 50, 4_000])
      _ = try trainer.evaluate(Self.x[0..<1], y[0..<1], verbose: .silent)
      MemoryLimit.byteCount = StoragePool.statistics.liveBytes + 40_000_000
      Self.expectRefusal("evaluate: expected at most") {
        try trainer.evaluate(Self.x, y, batchSize: 64, verbose: .silent)
      }
      Self.expectRefusal("64 rows at a time (a smaller blockSize needs less)") {
        try trainer.fit(Self.x, y, batchSize: 64, verbose: .silent)
      }
      Self.expectRefusal("trainBatch: expected at most") { try trainer.trainBatch(Self.x, y) }
      Self.expectRefusal("gradients: expected at most") { _ = try trainer.gradients(Self.x, y) }
      MemoryLimit.byteCount = StoragePool.statistics.liveBytes + 400_000_000
      try trainer.fit(Self.x, y, batchSize: 64, blockSize: 4, verbose: .silent)
      try trainer.evaluate(Self.x, y, batchSize: 4, verbose: .silent)
    }
  }

  @Test("Graphs ask for what their layers take, and for the outputs of every end")
  func graphs() async {
    await #expect(processExitsWith: .success) {
      let (ids, other) = (Input(shape: [nil]), Input(shape: [3]))
      let read = LSTM(units: 8, returnSequences: true)(Embedding(inputDim: 9, outputDim: 4)(ids))
      let model = try Model(
        inputs: [ids, other], outputs: [Dense(units: 4_000)(read), Dense(units: 2)(other)], seed: 1)
      let inputs = [Self.x, Tensor.zeros([64, 3])]
      _ = try model.predict(inputs.map { $0[0..<1] })
      let held = StoragePool.statistics.liveBytes
      MemoryLimit.byteCount = held + 100_000_000
      Self.expectRefusal("102400000 bytes for outputs [64, 50, 4000]") { _ = try model.predict(inputs, batchSize: 4) }
      MemoryLimit.byteCount = held + 110_000_000
      #expect(try model.predict(inputs, batchSize: 4).map(\.shape) == [[64, 50, 4_000], [64, 2]])
      MemoryLimit.byteCount = held + 40_000_000
      Self.expectRefusal("64 rows at a time (a smaller batchSize needs less)") {
        _ = try model.predict(inputs, batchSize: 64)
      }
      let trainer = try model.compile(loss: [.meanSquaredError, .meanSquaredError], optimizer: .sgd())
      let y = [Tensor.zeros([64, 50, 4_000]), Tensor.zeros([64, 2])]
      MemoryLimit.byteCount = StoragePool.statistics.liveBytes + 40_000_000
      Self.expectRefusal("trainBatch: expected at most") { try trainer.trainBatch(Examples(inputs, y)) }
    }
  }

  @Test("fit asks for the optimiser's moments, and predict for what drawing the first weights takes")
  func parameters() async {
    await #expect(processExitsWith: .success) {
      // 4.2 million numbers in U alone: 16.8 MB, and three times that beside it while it is drawn.
      let model = Sequential([LSTM(units: 1_024)])
      try model.build(inputShape: [nil, 1, 2])
      MemoryLimit.byteCount = 60_000_000
      let x = Tensor.zeros([1, 1, 2])
      Self.expectRefusal("for drawing the parameters") { _ = try model.predict(x) }
      MemoryLimit.byteCount = 100_000_000
      _ = try model.predict(x)
      let trainer = try model.compile(loss: .meanSquaredError, optimizer: .adam())
      MemoryLimit.byteCount = StoragePool.statistics.liveBytes + 30_000_000
      Self.expectRefusal("for the optimiser's moments") {
        try trainer.fit(x, .zeros([1, 1_024]), verbose: .silent)
      }
    }
  }
}
