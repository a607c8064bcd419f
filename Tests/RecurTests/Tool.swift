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
  private static let executable: URL? = {
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
  ///
  /// - Parameter variables: What is changed in the environment; the cache is a folder of this test's own anyway.
  func start(_ arguments: [String], _ variables: [String: String] = [:]) throws -> Process {
    let process = Process()
    let executable: URL = try #require(Self.executable, "the tool beside the tests")
    process.executableURL = executable
    process.arguments = arguments
    return try started(process, variables)
  }

  private func started(_ process: Process, _ variables: [String: String]) throws -> Process {
    process.currentDirectoryURL = URL(filePath: folder)
    process.environment = environment(variables)
    for name in [".output", ".error"] { try write("", to: name) }
    process.standardOutput = try FileHandle(forWritingTo: URL(filePath: path(".output")))
    process.standardError = try FileHandle(forWritingTo: URL(filePath: path(".error")))
    process.standardInput = FileHandle.nullDevice
    try process.run()
    return process
  }

  private func environment(_ variables: [String: String]) -> [String: String] {
    var environment = ProcessInfo.processInfo.environment
    environment["XDG_CACHE_HOME"] = path("cache")
    for (name, value) in variables { environment[name] = value }
    return environment
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

  /// Runs the tool, which must succeed.
  @discardableResult
  func expectSuccess(_ arguments: [String], at location: SourceLocation = #_sourceLocation) throws -> Result {
    let result = end(try start(arguments))
    #expect(result.code == 0, "\(arguments): \(result.error)", sourceLocation: location)
    return result
  }

  /// Runs the tool, which must succeed without a word on standard error; returns its standard output.
  @discardableResult
  func output(_ arguments: [String], at location: SourceLocation = #_sourceLocation) throws -> String {
    let result = end(try start(arguments))
    #expect(result.code == 0 && result.error.isEmpty, "\(arguments): \(result.error)", sourceLocation: location)
    return result.output
  }

  /// Runs a script of bash in the folder, where `recur` is the tool.
  func shell(_ script: String) throws -> Result {
    let executable: URL = try #require(Self.executable, "the tool beside the tests")
    let process = Process()
    process.executableURL = URL(filePath: "/bin/bash")
    process.arguments = ["-c", script]
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    return end(try started(process, ["PATH": "\(executable.deletingLastPathComponent().path):\(path)"]))
  }

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
