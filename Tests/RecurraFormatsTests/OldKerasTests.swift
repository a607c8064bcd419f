import RecurraFormats
import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// Training that Keras 2 began, and weights in several files.
@Suite struct OldKerasTests {
  private func tensor(_ name: String) throws -> Tensor {
    try #require(try SafeTensors(contentsOf: Fixture.path("formats/keras/training.safetensors")).tensors[name])
  }

  @Test(arguments: ["adam", "old_adam", "old_nadam"])
  func trainingGoesOnFromWhatTheOptimizerRemembers(name: String) throws {
    let trainer = try Trainer.load(Fixture.path("formats/keras/\(name).2.h5"))
    let history = try trainer.fit(
      Examples([try tensor("\(name).x")], [try tensor("\(name).y")]), batchSize: 3, epochs: 3, shuffle: false,
      verbose: .silent)
    for key in ["loss", "mae"] {
      let expected = try tensor("\(name).\(key)").scalars(as: Double.self)
      let own = try #require(history[key])
      #expect(own.count == 3)
      for (number, value) in zip(own, expected) { #expect(abs(number - value) <= 1e-4, "\(name) \(key)") }
    }
  }

  @Test func weightsInSeveralFilesAreRead() throws {
    let index = Fixture.path("formats/keras/shards.weights.json")
    let model = try KerasWeightsTests.model("recurrent")
    try KerasWeights.load(into: model, from: HDF5File.fixture("recurrent.weights.h5"))
    let other = try Model.load(Fixture.path("formats/keras/recurrent.json"), weights: index)
    for (one, two) in zip(model.weights, other.weights) { #expect(StoredTensor(one) == StoredTensor(two)) }
  }

  @Test func filesThatAreNotBesideTheIndexAreRefused() throws {
    let folder = try TemporaryDirectory()
    for name in ["../a.h5", "/a.h5", "a.txt"] {
      let path = folder.path("x.weights.json")
      try AtomicFile.write(Array("{\"weight_map\": {\"/layers/a/vars\": \"\(name)\"}}".utf8), to: path)
      let error = #expect(throws: RecurraError.self) { try ModelFormats.read(path) }
      #expect(error?.kind == .badFile && error?.expected.contains("beside the index") == true, "\(name)")
    }
  }
}
