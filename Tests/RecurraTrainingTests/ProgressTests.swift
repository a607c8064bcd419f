import Foundation
import RecurraTensor
import RecurraTraining
import Synchronization
import TestSupport
import Testing

/// Collects what is written, at times that the test sets.
final class Recorder: Sendable {
  private let state = Mutex((text: "", time: 0.0))

  var text: String { state.withLock { $0.text } }
  var time: Double {
    get { state.withLock { $0.time } }
    set { state.withLock { $0.time = newValue } }
  }

  func output(isTerminal: Bool = true, usesColor: Bool = true) -> ProgressOutput {
    ProgressOutput(isTerminal: isTerminal, usesColor: usesColor, now: { self.time }) { text in
      self.state.withLock { $0.text += text }
    }
  }
}

@Suite struct ProgressTests {
  /// One call that Keras' bar got: a new bar, or an update.
  struct Event: Decodable {
    let target: Int?
    let verbose: Int?
    let time: Double
    let current: Int?
    let values: [Pair]?
    let finalize: Bool?

    struct Pair: Decodable {
      let name: String
      let value: Double

      init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        name = try container.decode(String.self)
        value = try container.decode(Double.self)
      }
    }
  }

  static func read(_ file: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: Fixture.path("text/\(file)")))
  }

  /// What the bar writes for the calls that Keras' bar got; `epochs` puts the line before each bar that `fit` writes.
  static func replay(_ name: String, epochs: Int = 1, usesColor: Bool = true) throws -> String {
    let events = try JSONDecoder().decode([Event].self, from: read("\(name).json"))
    let recorder = Recorder()
    let output = recorder.output(usesColor: usesColor)
    var bar: ProgressBar?
    var epoch = 0
    for event in events {
      recorder.time = event.time
      guard let current = event.current else {
        // A bar without a known end is one that `fit` never has.
        guard let target = event.target else { break }
        epoch += 1
        if epochs > 1 { output.write("Epoch \(epoch)/\(epochs)\n") }
        bar = ProgressBar(output, try #require(event.verbose.flatMap(Verbosity.init)), target: target)
        continue
      }
      var logs = Logs()
      for pair in event.values ?? [] { logs[pair.name] = pair.value }
      if event.finalize == true { bar?.finish(logs) } else { bar?.update(current, logs) }
    }
    return recorder.text
  }

  @Test(arguments: [
    ("fit_verbose_1", 2), ("fit_verbose_2", 2), ("fit_validation_verbose_1", 2), ("fit_validation_verbose_2", 2),
    ("evaluate_verbose_1", 1), ("evaluate_verbose_2", 1),
  ]) func bytesAreKeras(name: String, epochs: Int) throws {
    let wanted = String(decoding: try Self.read("\(name).txt"), as: UTF8.self)
    #expect(try Self.replay(name, epochs: epochs) == wanted)
  }

  @Test func rareFormatsAreKeras() throws {
    let wanted = String(decoding: try Self.read("bar_formats.txt"), as: UTF8.self)
    let found = try Self.replay("bar_formats")
    #expect(found.count > 1000 && wanted.hasPrefix(found))
  }

  @Test func withoutColoursOnlyTheEscapesAreMissing() throws {
    let plain = try Self.replay("fit_validation_verbose_1", epochs: 2, usesColor: false)
    let coloured = try Self.replay("fit_validation_verbose_1", epochs: 2)
    #expect(plain == coloured.replacing(try Regex("\u{1B}\\[[0-9]*m"), with: ""))
    #expect(!plain.contains("\u{1B}") && coloured.contains("\u{1B}"))
  }

  @Test func automaticIsABarOnATerminalOnly() {
    let recorder = Recorder()
    #expect(Verbosity.auto.resolved(for: recorder.output(isTerminal: true)) == .bar)
    #expect(Verbosity.auto.resolved(for: recorder.output(isTerminal: false)) == .linePerEpoch)
    #expect(Verbosity.silent.resolved(for: recorder.output(isTerminal: true)) == .silent)
  }

  /// Keras' comparisons: more than a minute or an hour, at least a second or a millisecond.
  @Test(arguments: [
    (60.0, "60s"), (61, "1:01"), (3_600, "60:00"), (3_601, "1:00:01"),
  ]) func timeThatIsLeft(seconds: Double, text: String) {
    let recorder = Recorder()
    var bar = ProgressBar(recorder.output(usesColor: false), .bar, target: 2)
    recorder.time = seconds
    bar.update(1, Logs())
    #expect(recorder.text.contains(" \(text) \(Int(seconds))s/step"), "\(recorder.text)")
  }

  @Test(arguments: [
    (1.0, "1s"), (1.0.nextDown, "1000ms"), (1e-3, "1ms"), (1e-3.nextDown, "1000us"), (0, "0s"),
  ]) func timeOfAStep(seconds: Double, text: String) {
    let recorder = Recorder()
    var bar = ProgressBar(recorder.output(usesColor: false), .linePerEpoch, target: 1)
    recorder.time = seconds
    bar.finish(Logs())
    #expect(recorder.text == "1/1 - \(seconds < 0.5 ? 0 : 1)s - \(text)/step\n")
  }

  @Test func aBarIsDrawnTwentyTimesASecondAtMost() {
    let recorder = Recorder()
    var bar = ProgressBar(recorder.output(usesColor: false), .bar, target: 9)
    var drawn: [Int] = []
    for (step, time) in [0, 0.05.nextDown, 0.05, 0.0625, 0.125].enumerated() {
      let before = recorder.text
      recorder.time = time
      bar.update(step + 1, Logs())
      if recorder.text != before { drawn.append(step) }
    }
    #expect(drawn == [0, 2, 4])
  }

  @Test func numbersThatAreNotFiniteAreWrittenAsPythonDoes() {
    let recorder = Recorder()
    var bar = ProgressBar(recorder.output(usesColor: false), .linePerEpoch, target: 3)
    recorder.time = 1.5
    var logs = Logs()
    for (name, value) in [("a", -Double.nan), ("b", .infinity), ("c", -.infinity), ("d", 0)] { logs[name] = value }
    bar.finish(logs)
    #expect(recorder.text == "3/3 - 2s - 500ms/step - a: nan - b: inf - c: -inf - d: 0.0000e+00\n")
  }
}

@Suite struct FitProgressTests {
  /// What a run writes when a training step takes a quarter of a second.
  static func text(_ verbose: Verbosity, isTerminal: Bool = true, epochs: Int = 2) throws -> String {
    let recorder = Recorder()
    let trainer = try ToyData.trainer()
    trainer.output = recorder.output(isTerminal: isTerminal, usesColor: false)
    let timing = LambdaCallback(
      onTrainBatchBegin: { _, _ in recorder.time += 0.25 },
      onEpochEnd: { _, logs, _ in for (index, name) in logs.names.enumerated() { logs[name] = 0.25 + Double(index) } })
    try trainer.fit(
      ToyData.x, ToyData.labels, batchSize: 4, epochs: epochs, validationSplit: 0.3, callbacks: [timing],
      verbose: verbose)
    return recorder.text
  }

  static let numbers = "accuracy: 0.2500 - loss: 1.2500 - val_accuracy: 2.2500 - val_loss: 3.2500\n"

  @Test func elsewhereThanOnATerminalThereIsALinePerEpoch() throws {
    let line = "4/4 - 1s - 250ms/step - " + Self.numbers
    #expect(try Self.text(.auto, isTerminal: false) == "Epoch 1/2\n" + line + "Epoch 2/2\n" + line)
    #expect(try Self.text(.linePerEpoch, epochs: 1) == line)
    #expect(try Self.text(.silent).isEmpty)
  }

  @Test func aRunOfOneEpochIsCountedWhereItIsNotTheFirst() throws {
    let recorder = Recorder()
    let trainer = try ToyData.trainer()
    trainer.output = recorder.output(isTerminal: false)
    for _ in 0..<2 { try trainer.fit(ToyData.x, ToyData.labels, batchSize: 23, callbacks: []) }
    let lines = recorder.text.split(separator: "\n")
    #expect(lines.count == 3 && lines[0].hasPrefix("1/1 - ") && lines[1] == "Epoch 2/2")
  }

  @Test func onATerminalABarIsDrawnOver() throws {
    let text = try Self.text(.auto)
    let bar = String(repeating: "━", count: 20)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count == 5 && lines[0] == "Epoch 1/2" && lines[2] == "Epoch 2/2")
    for line in [lines[1], lines[3]] {
      // Four steps and the end, each behind a carriage return.
      #expect(line.count { $0 == "\r" } == 5)
      #expect(line.hasSuffix("\r4/4 \(bar) 1s 250ms/step - " + Self.numbers.dropLast()))
      #expect(line.contains("\r1/4 \(bar) 0s 250ms/step - accuracy: "))
    }
  }

  @Test func anErrorBeginsOnALineOfItsOwn() throws {
    let recorder = Recorder()
    let trainer = try ToyData.trainer()
    trainer.output = recorder.output(usesColor: false)
    let failing = LambdaCallback(onTrainBatchEnd: { batch, _, _ throws(RecurraError) in
      if batch == 2 { throw RecurraError(.badArgument, operation: "own", expected: "this", got: "that") }
    })
    #expect(throws: RecurraError.self) {
      try trainer.fit(ToyData.x, ToyData.labels, batchSize: 4, callbacks: [failing], verbose: .bar)
    }
    #expect(recorder.text.hasSuffix("\n") && recorder.text.contains("\r"))
  }

  @Test func evaluationShowsItsOwnBar() throws {
    let recorder = Recorder()
    let trainer = try ToyData.trainer()
    trainer.output = recorder.output(isTerminal: false)
    let logs = try trainer.evaluate(ToyData.x, ToyData.labels, batchSize: 10)
    #expect(logs.names == ["accuracy", "loss"])
    #expect(recorder.text.hasPrefix("3/3 - 0s - 0s/step - accuracy: ") && recorder.text.hasSuffix("\n"))
  }
}
