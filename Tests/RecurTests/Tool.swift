import Foundation
import RecurraLayers
import RecurraTensor
import Testing

/// The built tool, run as anyone would run it, in a folder of its own.
final class Tool {
  struct Result {
    let code: Int32
    let output: String
    let error: String
  }

  let folder: String

  init() throws {
    let url = FileManager.default.temporaryDirectory.appending(path: "recur-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    folder = url.path
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  /// The tool beside the test bundle, wherever the runner itself is.
  static let executable: URL? = {
    let arguments =
      CommandLine.arguments + [(try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""]
    let folders = arguments.filter { $0.hasPrefix("/") }.flatMap { argument in
      sequence(first: URL(filePath: argument)) { $0.path == "/" ? nil : $0.deletingLastPathComponent() }.prefix(4)
    }
    return folders.map { $0.appending(path: "recur") }.first { url in
      var isDirectory: ObjCBool = false
      return FileManager.default.fileExists(atPath: url.path, isDirectory: &isDirectory) && !isDirectory.boolValue
        && FileManager.default.isExecutableFile(atPath: url.path)
    }
  }()

  func path(_ name: String) -> String { "\(folder)/\(name)" }
  func bytes(_ name: String) throws -> Data { try Data(contentsOf: URL(filePath: path(name))) }
  func write(_ text: String, to name: String) throws { try Data(text.utf8).write(to: URL(filePath: path(name))) }
  func text(_ name: String) -> String { (try? bytes(name)).map { String(decoding: $0, as: UTF8.self) } ?? "" }

  /// Starts the tool; its streams go to files, so that no pipe can fill up.
  func start(_ arguments: [String]) throws -> Process {
    try start(Process(), try #require(Self.executable, "the tool beside the tests"), arguments)
  }

  func start(_ process: Process, _ executable: URL, _ arguments: [String]) throws -> Process {
    process.executableURL = executable
    process.arguments = arguments
    process.currentDirectoryURL = URL(filePath: folder)
    for name in [".output", ".error"] { try write("", to: name) }
    process.standardOutput = try FileHandle(forWritingTo: URL(filePath: path(".output")))
    process.standardError = try FileHandle(forWritingTo: URL(filePath: path(".error")))
    process.standardInput = FileHandle.nullDevice
    try process.run()
    return process
  }

  func end(_ process: Process) -> Result {
    let deadline = Date.now + 300
    while process.isRunning, Date.now < deadline { usleep(2_000) }
    if process.isRunning {
      Issue.record("\(process.arguments ?? []) does not end")
      kill(process.processIdentifier, SIGKILL)
    }
    process.waitUntilExit()
    return Result(code: process.terminationStatus, output: text(".output"), error: text(".error"))
  }

  func run(_ arguments: String...) throws -> Result { end(try start(arguments)) }

  /// Runs the tool and expects an error on standard error alone.
  func expectFailure(
    _ code: Int32, _ words: String..., of arguments: [String], at location: SourceLocation = #_sourceLocation
  ) throws {
    let result = end(try start(arguments))
    #expect(result.code == code, "\(arguments): \(result.error)", sourceLocation: location)
    #expect(result.output.isEmpty, "\(arguments)", sourceLocation: location)
    for word in words { #expect(result.error.contains(word), "\(result.error)", sourceLocation: location) }
  }
}

/// Sequences of ids of which the first says the class: what is far back must be remembered.
enum Lesson {
  static let rows = 96
  static let timesteps = 7
  static let vocabulary = 9

  static let architecture = """
    [{"class_name": "Embedding", "config": {"input_dim": \(vocabulary), "output_dim": 6}},
     {"class_name": "LSTM", "config": {"units": 5}},
     {"class_name": "Dense", "config": {"units": 3, "activation": "softmax"}}]
    """

  static func id(_ row: Int, _ timestep: Int) -> Int32 { Int32((row * 31 + timestep * (row % 5 + 2)) % vocabulary) }

  static func write(to tool: Tool) throws {
    try tool.write(architecture, to: "model.json")
    let ids = (0..<rows).flatMap { row in (0..<timesteps).map { id(row, $0) } }
    try Tensor(ids, shape: [rows, timesteps]).writeNumPy(to: tool.path("x.npy"))
    try Tensor((0..<rows).map { id($0, 0) / 3 }).writeNumPy(to: tool.path("y.npy"))
    try Tensor((0..<rows).map { Int32($0 % timesteps + 1) }).writeNumPy(to: tool.path("lengths.npy"))
  }

  static let training = ["train", "model.json", "--data", "x.npy", "--labels", "y.npy", "--save", "out.safetensors"]
}
