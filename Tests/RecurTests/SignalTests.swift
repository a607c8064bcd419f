import Foundation
import RecurraLayers
import RecurraTensor
import Testing

@Suite struct SignalTests {
  let tool: Tool

  init() throws {
    tool = try Tool()
    try Lesson.write(to: tool)
  }

  static let signals = [(SIGINT, 130), (SIGTERM, 143), (SIGHUP, 129)] as [(Int32, Int32)]

  /// Starts a command, lets it wait for a pipe, and returns when it does so.
  private func startWaiting(_ arguments: [String], on pipe: String) throws -> (process: Process, writer: Int32) {
    #expect(mkfifo(tool.path(pipe), 0o600) == 0)
    let process = try tool.start(arguments)
    return (process, try openedByReader(pipe, process))
  }

  /// Opens a pipe for writing as soon as somebody else has opened it for reading.
  private func openedByReader(_ pipe: String, _ process: Process) throws -> Int32 {
    let deadline = Date.now + 60
    while process.isRunning, Date.now < deadline {
      let descriptor = open(tool.path(pipe), O_WRONLY | O_NONBLOCK | O_CLOEXEC)
      if descriptor >= 0 { return descriptor }
      usleep(2_000)
    }
    throw CocoaError(.fileReadUnknown)
  }

  @Test(arguments: signals) func trainingFinishesTheBatchAndSaves(_ signal: Int32, _ code: Int32) throws {
    let process = try tool.start(Lesson.training + ["--epochs", "1000000", "--history", "h.json"])
    let deadline = Date.now + 120
    while !tool.text(".error").contains("Epoch 3/"), process.isRunning, Date.now < deadline { usleep(10_000) }
    kill(process.processIdentifier, signal)
    let result = tool.end(process)
    #expect(process.terminationReason == .exit)
    #expect(result.code == code, "\(result.error)")
    #expect(try Sequential.load(from: tool.path("out.safetensors")).layers.count == 3)
    guard case .array(let epochs) = try JSONValue(contentsOf: tool.path("h.json"))["epoch"] else {
      Issue.record("expected the finished epochs, got \(tool.text("h.json"))")
      return
    }
    #expect(epochs.count >= 2)
  }

  @Test(arguments: signals) func nothingIsSavedBeforeTheFirstBatch(_ signal: Int32, _ code: Int32) throws {
    try tool.write("old", to: "out.safetensors")
    let arguments = ["train", "model.json", "--data", "pipe"] + Lesson.training.dropFirst(4)
    let (process, writer) = try startWaiting(arguments, on: "pipe")
    defer { close(writer) }
    kill(process.processIdentifier, signal)
    let result = tool.end(process)
    #expect(process.terminationReason == .exit)
    #expect(result.code == code, "\(result.error)")
    #expect(result.error == "recur: interrupted before the first batch, so nothing is saved\n")
    #expect(tool.text("out.safetensors") == "old")
  }

  @Test(arguments: signals) func otherCommandsEndAtOnce(_ signal: Int32, _ code: Int32) throws {
    try tool.expectSuccess(Lesson.training)
    let arguments = ["predict", "out.safetensors", "--input", "pipe", "--output", "p.npy"]
    let (process, writer) = try startWaiting(arguments, on: "pipe")
    defer { close(writer) }
    kill(process.processIdentifier, signal)
    let result = tool.end(process)
    #expect(process.terminationReason == .uncaughtSignal)
    #expect(result.code == signal)
  }

  /// Starts a run and returns when its last epoch is over, so that what is left to do is saving.
  private func startSaving(_ arguments: [String]) throws -> Process {
    let process = try tool.start(arguments)
    let deadline = Date.now + 60
    while !tool.text(".error").contains("3/3 - "), process.isRunning, Date.now < deadline { usleep(2_000) }
    usleep(200_000)
    return process
  }

  @Test(arguments: signals) func waitingForAReaderEnds(_ signal: Int32, _ code: Int32) throws {
    #expect(mkfifo(tool.path("pipe"), 0o600) == 0)
    let process = try startSaving(Lesson.training.dropLast() + ["pipe"])
    #expect(process.isRunning)
    kill(process.processIdentifier, signal)
    let result = tool.end(process)
    #expect(process.terminationReason == .exit)
    #expect(result.code == code, "\(result.error)")
    #expect(result.error.hasSuffix("recur: interrupted while nobody reads pipe, so nothing is written there\n"))
  }

  @Test func pipeIsWrittenWhenSomebodyReadsAtLast() throws {
    let training = Lesson.training.dropLast().joined(separator: " ")
    let result = try tool.shell(
      "mkfifo pipe; { sleep 0.5; cat pipe > late; } & recur \(training) pipe && wait && recur \(training) own")
    #expect(result.code == 0, "\(result.error)")
    #expect(try tool.bytes("late") == tool.bytes("own"))
  }

  @Test func secondSignalEndsTheProcessAtOnce() throws {
    #expect(mkfifo(tool.path("pipe"), 0o600) == 0)
    let reader = open(tool.path("pipe"), O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    defer { close(reader) }
    // The model is larger than the pipe, which is not emptied, so the run waits for ever in saving.
    let wide = Lesson.architecture.replacing(#""units": 5"#, with: #""units": 100"#)
    let process = try startSaving(["train", wide] + Lesson.training.dropFirst(2).dropLast() + ["pipe"])
    process.interrupt()
    usleep(200_000)
    #expect(process.isRunning)
    process.interrupt()
    #expect(tool.end(process).code == 130)
    #expect(process.terminationReason == .exit)
  }

  @Test(arguments: ["INT", "TERM", "HUP"]) func ignoredSignalsStayIgnored(_ name: String) throws {
    #expect(mkfifo(tool.path("pipe"), 0o600) == 0)
    let result = try tool.shell(
      """
      trap '' \(name)
      recur train model.json --data pipe --labels y.npy --save out.safetensors &
      exec 3> pipe
      kill -\(name) $!
      sleep 0.2
      cat x.npy >&3
      exec 3>&-
      wait $!
      """)
    #expect(result.code == 0, "\(result.error)")
    #expect(FileManager.default.fileExists(atPath: tool.path("out.safetensors")))
  }

  @Test func filesBeyondTheLimitExitWith74() throws {
    try tool.expectSuccess(Lesson.training)
    let saved = try tool.bytes("out.safetensors")
    for command in [
      Lesson.training.joined(separator: " "), "predict out.safetensors --input x.npy --output p.npy",
      "plot sigmoid -o p.npy",
    ] {
      let result = try tool.shell("ulimit -f 1; recur \(command)")
      #expect(result.code == 74, "\(command): \(result.error)")
      #expect(result.error.contains("File too large"), "\(command): \(result.error)")
      #expect(try tool.bytes("out.safetensors") == saved)
    }
    #expect(!FileManager.default.fileExists(atPath: tool.path("p.npy")))
    #expect(try FileManager.default.contentsOfDirectory(atPath: tool.folder).filter { $0.hasSuffix(".tmp") } == [])
  }

  @Test func readersThatHaveGoneAwayExitWith74() throws {
    try tool.expectSuccess(Lesson.training)
    for command in [
      "summary out.safetensors", "plot tanh", "predict out.safetensors --input x.npy --output -", "--help",
      "evaluate out.safetensors --data x.npy --labels y.npy",
    ] {
      let result = try tool.shell("{ sleep 0.2; recur \(command); echo $? > code; } | true; cat code")
      #expect(result.output == "74\n", "\(command): \(result.error)")
      #expect(result.error.contains("Broken pipe"), "\(command): \(result.error)")
    }
  }
}
