import Foundation
import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

@Suite struct CheckpointTests {
  /// Calls `body` with a folder of its own, and returns the names of the files that are in it afterwards.
  static func files(_ body: (String) throws -> Void) throws -> [String] {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID())").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
    return try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  @Test func everyEpochHasItsFile() throws {
    let trainer = try ToyData.trainer()
    let names = try Self.files { folder in
      let checkpoint = ModelCheckpoint(folder + "/m-{epoch:02d}-{loss:.3f}.safetensors")
      let script = CallbackTests.script([0.5, 0.25, 1.0 / 3])
      var predictions: [Tensor] = []
      let noting = LambdaCallback(onEpochEnd: { _, _, trainer throws(RecurraError) in
        predictions.append(try trainer.predict(ToyData.x))
      })
      try CallbackTests.fit(trainer, 3, [script, noting, checkpoint])
      #expect(checkpoint.lastPath == folder + "/m-03-0.333.safetensors")
      for (epoch, name) in ["m-01-0.500", "m-02-0.250", "m-03-0.333"].enumerated() {
        let model = try Sequential.load(from: "\(folder)/\(name).safetensors")
        expectIdentical(try model.predict(ToyData.x), predictions[epoch])
      }
    }
    #expect(names == ["m-01-0.500.safetensors", "m-02-0.250.safetensors", "m-03-0.333.safetensors"])
  }

  @Test func numbersWithoutAFormAreWrittenAsTheyAre() throws {
    let names = try Self.files { folder in
      let checkpoint = ModelCheckpoint(folder + "/{epoch}-{loss}-{accuracy:03d}")
      let scripts = [CallbackTests.script([0.25, 3, 1e21]), CallbackTests.script([7, 12.4, 1234], "accuracy")]
      try CallbackTests.fit(try ToyData.trainer(), 3, scripts + [checkpoint])
    }
    #expect(names == ["1-0.25-007", "2-3-012", "3-1000000000000000000000-1234"])
  }

  @Test func onlyTheBestStays() throws {
    let trainer = try ToyData.trainer()
    let recorder = Recorder()
    trainer.output = recorder.output()
    let names = try Self.files { folder in
      let path = folder + "/best.safetensors"
      let checkpoint = ModelCheckpoint(
        path, monitor: "loss", saveBestOnly: true, initialValueThreshold: 4, verbose: true)
      var weights: [[Tensor]] = []
      let noting = LambdaCallback(onEpochEnd: { _, _, trainer in weights.append(trainer.weights) })
      try CallbackTests.fit(trainer, 4, [CallbackTests.script([5, 3, 2, 2.5]), noting, checkpoint])
      #expect(checkpoint.best == 2)
      for (one, other) in zip(try Sequential.load(from: path).weights, weights[2]) { expectIdentical(one, other) }
      #expect(
        recorder.text == """

          Epoch 1: loss did not improve from 4.00000

          Epoch 2: loss improved from 4.00000 to 3.00000, saving model to \(path)

          Epoch 2: finished saving model to \(path)

          Epoch 3: loss improved from 3.00000 to 2.00000, saving model to \(path)

          Epoch 3: finished saving model to \(path)

          Epoch 4: loss did not improve from 2.00000

          """)
    }
    #expect(names == ["best.safetensors"])
  }

  @Test func anInfiniteNumberIsNeverTheBest() throws {
    let names = try Self.files { folder in
      let checkpoint = ModelCheckpoint(folder + "/{epoch}", monitor: "loss", saveBestOnly: true)
      try CallbackStateTests.run(checkpoint, CallbackStateTests.trainer(), [2, -.infinity, 3, 1, .infinity], 0..<5)
      #expect(checkpoint.best == 1)
    }
    #expect(names == ["1", "4"])
  }

  @Test func batchesAreCountedOnFromEpochToEpoch() throws {
    // Three batches to an epoch: the fourth is the first of epoch 2, the eighth the second of epoch 3.
    let names = try Self.files { folder in
      let checkpoint = ModelCheckpoint(folder + "/{epoch}-{batch}", frequency: .batches(4))
      try CallbackTests.fit(try ToyData.trainer(), 3, [checkpoint])
    }
    #expect(names == ["2-1", "3-2"])
  }

  @Test func whatCannotWorkIsRefusedBeforeTraining() throws {
    let names = try Self.files { folder in
      for (checkpoint, word) in [
        (ModelCheckpoint(folder + "/{val_loss:.2f}"), "{val_loss:.2f}"),
        (ModelCheckpoint(folder + "/{loss:x}"), "{loss:x}"),
        (ModelCheckpoint(folder + "/a", saveBestOnly: true), "val_loss"),
        (ModelCheckpoint(folder + "/{batch}"), "{batch}"),
        (ModelCheckpoint(folder + "/a", frequency: .batches(0)), "0"),
      ] {
        let trainer = try ToyData.trainer()
        let error = #expect(throws: RecurraError.self) { try CallbackTests.fit(trainer, 1, [checkpoint]) }
        #expect(error?.kind == .badArgument && error?.got == word && trainer.history?.epoch == [])
      }
      // Behind a batch there is no validation, though the run has one.
      for checkpoint in [
        ModelCheckpoint(folder + "/a", saveBestOnly: true, frequency: .batches(2)),
        ModelCheckpoint(folder + "/{val_loss:.2f}", frequency: .batches(2)),
      ] {
        let error = #expect(throws: RecurraError.self) {
          try ToyData.trainer().fit(
            ToyData.x, ToyData.labels, batchSize: 8, validationSplit: 0.25, callbacks: [checkpoint], verbose: .silent)
        }
        #expect(error?.kind == .badArgument && error?.got.contains("val_loss") == true)
      }
      let missing = ModelCheckpoint(folder + "/missing/a.safetensors")
      let error = #expect(throws: RecurraError.self) { try CallbackTests.fit(try ToyData.trainer(), 2, [missing]) }
      #expect(error?.kind == .cannotCreate && error?.description.contains("missing") == true)
    }
    #expect(names.isEmpty)
  }
}
