import Foundation
import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

@Suite struct HistoryTests {
  /// A run whose losses are of one's choice.
  static func history(_ losses: [Double]) throws -> History {
    try CallbackTests.fit(ToyData.trainer(), losses.count, [CallbackTests.script(losses)])
  }

  @Test func numbersThatAreNotFiniteBecomeNullAndNaN() throws {
    let history = try Self.history([0.1 + 0.2, .infinity, -.infinity, .nan, 5e-300])
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let data = try encoder.encode(history)
    let text = String(decoding: data, as: UTF8.self)
    #expect(text.contains(#""loss":[0.30000000000000004,null,null,null,5e-300]"#), "\(text)")
    #expect(text.contains(#""params":{"epochs":5,"seed":0,"steps":3,"verbose":0}"#))
    let again = try JSONDecoder().decode(History.self, from: data)
    let losses = try #require(again["loss"])
    #expect(losses[0] == 0.1 + 0.2 && losses[1...3].allSatisfy(\.isNaN) && losses[4] == 5e-300)
    #expect(again.epoch == [0, 1, 2, 3, 4] && again.params == history.params && again.stop == nil)
  }

  @Test func aListThatIsTooShortIsThatOfANameWhichCameLater() throws {
    let text = """
      {"epoch": [0, 1, 2], "history": {"loss": [3, 2, 1], "rate": [0.5]},
       "params": {"epochs": 3, "seed": 0, "steps": 1, "verbose": 0}}
      """
    let history = try JSONDecoder().decode(History.self, from: Data(text.utf8))
    #expect(history["rate"] == [0.5] && history["loss"] == [3, 2, 1])
    #expect(try JSONDecoder().decode(History.self, from: JSONEncoder().encode(history)) == history)
    let tooLong = text.replacing("[0.5]", with: "[0.5, 0.5, 0.5, 0.5]")
    #expect(throws: DecodingError.self) { try JSONDecoder().decode(History.self, from: Data(tooLong.utf8)) }
    // The same in the file of a trainer, which then goes on.
    _ = try CheckpointTests.files { folder in
      let trainer = try ToyData.trainer()
      try CallbackTests.fit(trainer, 2, [LambdaCallback(onEpochEnd: { _, logs, _ in logs["rate"] = 0.5 })])
      try trainer.save(to: folder + "/saved")
      var file = try SafeTensors(contentsOf: folder + "/saved")
      let training = try #require(file.metadata["training"])
      for (list, shorter) in [("[0.5,0.5]", "[0.5]"), ("[0.5,0.5]", "[]")] {
        file.metadata["training"] = training.replacing("\"rate\":\(list)", with: "\"rate\":\(shorter)")
        #expect(file.metadata["training"] != training)
        try file.write(to: folder + "/changed")
        let again = try Trainer(contentsOf: folder + "/changed")
        let next = try again.fit(ToyData.x, ToyData.labels, batchSize: 8, callbacks: [], verbose: .silent)
        #expect(next.names == ["accuracy", "loss"] && again.state.history["loss"]?.count == 3)
        #expect(again.state.history["rate"] ?? [] == (shorter == "[]" ? [] : [0.5]))
      }
      file.metadata["training"] = training.replacing("\"rate\":[0.5,0.5]", with: "\"rate\":[0.5,0.5,0.5]")
      try file.write(to: folder + "/changed")
      let error = #expect(throws: RecurraError.self) { try Trainer(contentsOf: folder + "/changed") }
      #expect(error?.kind == .badFile)
    }
  }

  @Test func epochsWithoutANumberStayThatAfterEncoding() throws {
    let rates = LambdaCallback(onEpochEnd: { epoch, logs, _ in
      if epoch % 2 == 1 { logs["rate"] = epoch == 1 ? 0.5 : .nan }
    })
    let history = try CallbackTests.fit(ToyData.trainer(), 5, [rates])
    #expect(history["rate"]?.count == 2)
    let data = try JSONEncoder().encode(history)
    let text = String(decoding: data, as: UTF8.self)
    #expect(text.contains(#""rate":[null,0.5,null,null,null]"#), "\(text)")
    #expect(text.contains(#""gaps":{"rate":[0,2,4]}"#), "\(text)")
    let again = try JSONDecoder().decode(History.self, from: data)
    #expect(again["rate"]?.count == 2 && again["rate"]?[0] == 0.5 && again["rate"]?[1].isNaN == true)
    for wrong in ["{\"rate\":[5]}", "{\"rate\":[-1]}", "{\"rats\":[0]}"] {
      let other = text.replacing("{\"rate\":[0,2,4]}", with: wrong)
      #expect(throws: DecodingError.self, "\(wrong)") { try JSONDecoder().decode(History.self, from: Data(other.utf8)) }
    }
    // The same number in another epoch is another history.
    let moved = text.replacing("[null,0.5,", with: "[0.5,null,").replacing("[0,2,4]", with: "[1,2,4]")
    #expect(try JSONDecoder().decode(History.self, from: Data(moved.utf8)) != again)
  }

  @Test func logsBecomeAnObject() throws {
    var logs = Logs()
    for (name, value) in [("val_loss", 2), ("loss", .nan), ("accuracy", 0.125)] { logs[name] = value }
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let data = try encoder.encode(logs)
    #expect(String(decoding: data, as: UTF8.self) == #"{"accuracy":0.125,"loss":null,"val_loss":2}"#)
    let again = try JSONDecoder().decode(Logs.self, from: data)
    #expect(again.names == ["accuracy", "loss", "val_loss"] && again["val_loss"] == 2 && again["accuracy"] == 0.125)
    #expect(again.loss?.isNaN == true)
  }

  @Test func wordsAndNumbersOfFilesStay() throws {
    for (stop, word) in [(History.Stop.requested, "requested"), (.cancelled, "cancelled")] {
      #expect(String(decoding: try JSONEncoder().encode([stop]), as: UTF8.self) == "[\"\(word)\"]")
      #expect(stop.rawValue == word && "\(stop)" == word && History.Stop(rawValue: word) == stop)
    }
    #expect(History.Stop(rawValue: "tired") == nil && History.Stop.requested != .cancelled)
    for (verbosity, number, word) in [
      (Verbosity.silent, 0, "silent"), (.bar, 1, "bar"), (.linePerEpoch, 2, "linePerEpoch"), (.auto, -1, "auto"),
    ] {
      #expect(String(decoding: try JSONEncoder().encode([verbosity]), as: UTF8.self) == "[\(number)]")
      #expect(verbosity.rawValue == number && "\(verbosity)" == word && Verbosity(rawValue: number) == verbosity)
    }
    #expect(Verbosity(rawValue: 3) == nil)
    // What is not known stays an error, and no other word takes its place.
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode([History.Stop].self, from: Data("[\"tired\"]".utf8))
    }
  }

  @Test func logsPrintAsOneLine() {
    var logs = Logs()
    for (name, value) in [("accuracy", 0.91234), ("loss", 0.00023), ("val_loss", .infinity), ("x", .nan), ("y", -2)] {
      logs[name] = value
    }
    #expect("\(logs)" == "accuracy: 0.9123 - loss: 2.3000e-04 - val_loss: inf - x: nan - y: -2.0000")
    #expect("\(Logs())" == "")
  }

  @Test(arguments: [false, true]) func numbersOfOneRunAreNotThoseOfAnother(throughAFile: Bool) throws {
    // With validation, without, and with it again.
    func fit(_ trainer: Trainer, _ epochs: Int, _ split: Double) throws -> History {
      try trainer.fit(
        ToyData.x, ToyData.labels, batchSize: 8, epochs: epochs, validationSplit: split, callbacks: [], verbose: .silent
      )
    }
    func passed(_ trainer: Trainer) throws -> Trainer {
      guard throughAFile else { return trainer }
      var again: Trainer?
      _ = try CheckpointTests.files { folder in
        try trainer.save(to: folder + "/saved")
        again = try Trainer(contentsOf: folder + "/saved")
      }
      return try #require(again)
    }
    var trainer = try ToyData.trainer()
    let first = try fit(trainer, 2, 0.25)
    trainer = try passed(trainer)
    let second = try fit(trainer, 3, 0)
    trainer = try passed(trainer)
    let third = try fit(trainer, 1, 0.25)
    #expect(first.names == ["accuracy", "loss", "val_accuracy", "val_loss"] && third.names == first.names)
    #expect(second.names == ["accuracy", "loss"] && second["loss"]?.count == 3 && second["val_loss"] == nil)
    #expect(third["val_loss"]?.count == 1 && third.epoch == [5])
    let all = try passed(trainer).state.history
    #expect(all.epoch == [0, 1, 2, 3, 4, 5] && all["loss"]?.count == 6)
    #expect(try all["val_loss"] == #require(first["val_loss"]) + #require(third["val_loss"]))
    #expect(trainer.history == third)
  }

  @Test func anEpochThatIsDoneAgainReplacesWhatIsKnownOfIt() throws {
    let trainer = try ToyData.trainer()
    let whole = try CallbackTests.fit(trainer, 3, [CallbackTests.script([1, 2, 3])])
    #expect(whole["loss"] == [1, 2, 3])
    let again = try trainer.fit(
      ToyData.x, ToyData.labels, batchSize: 8, epochs: 2, callbacks: [CallbackTests.script([0, 7])], verbose: .silent,
      initialEpoch: 1)
    #expect(again["loss"] == [7] && again.epoch == [1])
    #expect(trainer.state.history.epoch == [0, 1] && trainer.state.history["loss"] == [1, 7])
    // A run that would end before it begins does nothing, and says so.
    let nothing = try trainer.fit(
      ToyData.x, ToyData.labels, batchSize: 8, epochs: 1, callbacks: [], verbose: .silent, initialEpoch: 3)
    #expect(nothing.epoch.isEmpty && nothing.params.epochs == 3 && trainer.state.step == 12)
  }

  @Test func aRunThatHasOnlyToEndIsGivenItsLastNumbers() throws {
    let noting = LambdaCallback(onEpochEnd: { epoch, logs, _ in logs[epoch == 0 ? "first" : "later"] = Double(epoch) })
    let killing = LambdaCallback(onTrainEnd: { _, _ throws(RecurraError) in
      throw RecurraError(.badArgument, operation: "kill", expected: "", got: "")
    })
    let trainer = try ToyData.trainer()
    #expect(throws: RecurraError.self) {
      try trainer.fit(
        ToyData.x, ToyData.labels, batchSize: 8, epochs: 3, callbacks: [noting, killing], verbose: .silent)
    }
    var names: [String] = []
    let ending = LambdaCallback(onTrainEnd: { logs, _ in
      names = logs.names
      #expect(logs["later"] == 2)
    })
    try trainer.fit(ToyData.x, ToyData.labels, batchSize: 8, epochs: 3, callbacks: [ending], verbose: .silent)
    #expect(names == ["accuracy", "later", "loss"])
  }

  @Test func aHistoryPrintsAsATable() throws {
    let stopping = LambdaCallback(onEpochEnd: { epoch, logs, trainer in
      logs["accuracy"] = 0.5 + Double(epoch) / 8
      logs["rarely"] = epoch == 0 ? nil : 7
      if epoch == 2 { trainer.stopTraining() }
    })
    let history = try CallbackTests.fit(ToyData.trainer(), 9, [CallbackTests.script([12.5, 0.25, .nan]), stopping])
    #expect(
      "\(history)" == """
        epoch  accuracy     loss
            1    0.5000  12.5000
            2    0.6250   0.2500
            3    0.7500      nan
        stopped: requested
        """)
    #expect(try "\(Self.history([]))" == "epoch")
  }

  @Test func theMiddleOfALongHistoryIsLeftOut() throws {
    let lines = try "\(Self.history((0..<30).map { 1 + Double($0) }))".split(separator: "\n")
    #expect(lines.count == 22 && lines[1].hasSuffix(" 1.0000") && lines[10].hasSuffix("10.0000"))
    #expect(lines[11].contains("…") && lines[12].hasPrefix("   21") && lines[21].hasSuffix("30.0000"))
    #expect(try "\(Self.history((0..<20).map { 1 + Double($0) }))".split(separator: "\n").count == 21)
  }
}
