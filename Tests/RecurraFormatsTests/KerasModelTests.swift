import Foundation
import RecurraFormats
import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// Whole models of Keras: read, trained on, written, and refused where they are damaged.
@Suite struct KerasModelTests {
  static let models = ["classes", "rules", "cells", "outputs", "twins"]
  private static let values = Result {
    try SafeTensors(contentsOf: Fixture.path("formats/models/keras_models.safetensors")).tensors
  }

  static func path(_ name: String) -> String { Fixture.path("formats/models/\(name).keras") }

  /// The tensors of a list, in the order of Keras.
  private func list(_ name: String) throws -> [Tensor] {
    let values = try Self.values.get()
    return values.filter { $0.name.hasPrefix(name + "/") }.map(\.value)
  }

  private func examples(_ name: String) throws -> Examples {
    let values = try Self.values.get()
    let weights = values["\(name)/sample_weights"]
    let y = try list("\(name)/y")
    return Examples(try list("\(name)/x"), y, sampleWeights: y.map { _ in weights })
  }

  @Test(arguments: models)
  func aModelAnswersAsInKeras(name: String) throws {
    let model = try Model.load(Self.path(name))
    let answers = try model.predict(try list("\(name)/x"))
    for (answer, expected) in zip(answers, try list("\(name)/predictions")) {
      expectClose(answer, expected, relative: 1e-5, toLargest: true, name)
    }
  }

  @Test(arguments: models)
  func trainingGoesOnAsInKeras(name: String) throws {
    let trainer = try Trainer.load(Self.path(name))
    let history = try trainer.fit(
      try examples(name), batchSize: 3, epochs: 3, validationSplit: 0.3, shuffle: false, verbose: .silent)
    let expected = try Self.values.get().filter { $0.name.hasPrefix("\(name)/history/") }
    let prefix = "\(name)/history/"
    #expect(history.names.sorted() == expected.map { String($0.name.dropFirst(prefix.count)) }.sorted())
    for (key, numbers) in expected {
      let own = try #require(history[String(key.dropFirst(prefix.count))])
      for (number, value) in zip(own, numbers.scalars(as: Double.self)) {
        #expect(abs(number - value) <= 1e-4 * max(1, abs(value)), "\(key)")
      }
    }
    for (weight, expected) in zip(trainer.model.weights, try list("\(name)/weights")) {
      expectClose(weight, expected, relative: 1e-4, toLargest: true, name)
    }
  }

  @Test(arguments: models)
  func whatIsWrittenGoesOnToTheSameBits(name: String) throws {
    let folder = try TemporaryDirectory()
    let copy = folder.path("copy.keras")
    let first = try Trainer.load(Self.path(name))
    try first.save(to: copy)
    let second = try Trainer.load(copy)
    #expect(second.model.layerNames == first.model.layerNames)
    #expect(second.model.outputNames == first.model.outputNames)
    for trainer in [first, second] {
      try trainer.fit(try examples(name), batchSize: 4, epochs: 2, shuffle: false, verbose: .silent)
    }
    #expect(zip(first.weights, second.weights).allSatisfy { StoredTensor($0) == StoredTensor($1) })
    let again = folder.path("again.keras")
    try first.save(to: again)
    try second.save(to: copy)
    let bytes = try [again, copy].map { path in
      let file = try InputFile(path)
      return try file.bytes(0..<file.byteCount)
    }
    #expect(bytes[0] == bytes[1])
  }

  @Test(arguments: models)
  func recurrasOwnFileKeepsHowKerasTrains(name: String) throws {
    let folder = try TemporaryDirectory()
    let copy = folder.path("copy.safetensors")
    let first = try Trainer.load(Self.path(name))
    try first.save(to: copy)
    let second = try Trainer.load(copy)
    #expect(second.epochLoss == .overBatches)
    let logs = try [first, second].map { try $0.evaluate(try examples(name), batchSize: 4, verbose: .silent) }
    #expect(logs[0] == logs[1])
  }

  @Test func lambdaAndUnknownClassesAreRefusedByName() throws {
    for className in ["Lambda", "MyLayer"] {
      let folder = try TemporaryDirectory()
      let path = folder.path("model.json")
      let layer = "{\"class_name\": \"\(className)\", \"module\": \"keras.layers\", \"config\": {\"name\": \"a\"}}"
      let json = "{\"class_name\": \"Sequential\", \"config\": {\"name\": \"s\", \"layers\": [\(layer)]}}"
      try AtomicFile.write(Array(json.utf8), to: path)
      let error = #expect(throws: RecurraError.self) {
        try Model.load(path, weights: Fixture.path("formats/keras/small.h5"))
      }
      #expect(error?.kind == .badFile)
      #expect(error?.got == "\"\(className)\"")
    }
  }

  @Test func whatKerasHasNotIsRefusedByName() throws {
    let folder = try TemporaryDirectory()
    for (layer, word) in [
      (LSTM(units: 3, usePeepholes: true) as any Layer, "use_peepholes"), (SLSTM(units: 3), "SLSTM"),
      (LSTM(units: 3, recurrentActivation: .clippedLine(alpha: 0.2, beta: 0.5)), "clipped_line"),
    ] {
      let model = Sequential([layer])
      try model.build(inputShape: [nil, 4, 2])
      let error = #expect(throws: RecurraError.self) { try model.save(to: folder.path("model.keras")) }
      #expect(error?.kind == .badArgument && error?.got.contains(word) == true, "\(word)")
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("")).isEmpty)
  }

  @Test func everyTruncationOfAModelIsAnError() throws {
    let file = try InputFile(Self.path("cells"))
    let bytes = try file.bytes(0..<file.byteCount)
    for count in stride(from: 0, to: bytes.count, by: 97) {
      let cut = InputFile(Array(bytes[..<count]), operation: "read cut.keras")
      #expect(throws: RecurraError.self) {
        let contents = try FileContents(cut, path: "cut.keras")
        _ = try ModelFormats.format(of: contents).read(contents, ReadingOptions())
      }
    }
  }
}
