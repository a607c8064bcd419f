internal import ArgumentParser
internal import Recurra
internal import RecurraLayers

/// The model a subcommand works with.
struct ModelArgument: ParsableArguments {
  @Argument(
    help: "A saved model, or a JSON list of layers in Keras' names: a fresh model from the seed.",
    completion: .file(extensions: ["safetensors", "json"]))
  var model: String

  /// Reads the model, and the notes that stand in its file.
  func load(seed: UInt64) throws(RecurraError) -> (model: Sequential, notes: [String: String]) {
    let file = try InputFile(model, maximumByteCount: 1 << 36)
    let start = try file.bytes(0..<min(8, file.byteCount))
    // A saved model begins with the length of its header in 8 bytes, and no text has a NUL.
    if start.count == 8, start[4...].allSatisfy({ $0 == 0 }) {
      let saved = try ModelFile(file)
      return (saved.model, saved.notes)
    }
    guard let first = start.first(where: { $0 > 0x20 }), first == UInt8(ascii: "[") || first == UInt8(ascii: "{") else {
      throw file.damaged(expected: "a saved model, or a JSON list of layers", got: "neither")
    }
    let description = try JSONValue(contentsOf: model)
    do throws(RecurraError) {
      return (try Sequential(configuration: description, seed: seed), [:])
    } catch {
      // What is an argument elsewhere is the content of a file here.
      throw RecurraError(
        .badFile, operation: "\(file.operation), \(error.operation)", expected: error.expected, got: error.got)
    }
  }
}

/// How many threads work.
struct ThreadOptions: ParsableArguments {
  @Option(
    help: "How many threads work; the results do not depend on it. RECURRA_THREADS or all processors when not given.")
  var threads: Int?

  func validate() throws {
    guard let threads else { return }
    guard (1...256).contains(threads) else { throw ValidationError("Expected --threads in 1...256, got \(threads).") }
  }

  func apply() { if let threads { Threads.count = threads } }
}

/// The data a subcommand works on.
enum DataFile {
  /// Reads inputs or targets; doubles become the model's type, for NumPy makes doubles where nobody asked for them.
  static func read(_ path: String, for model: Sequential) throws(RecurraError) -> Tensor {
    let tensor = try Tensor(contentsOfNumPy: path)
    return tensor.dtype == .float64 && model.dtype != .float64 ? tensor.converted(to: .float32) : tensor
  }

  /// Reads the number of valid timesteps of each row.
  static func readLengths(_ path: String?) throws(RecurraError) -> [Int]? {
    guard let path else { return nil }
    let tensor = try Tensor(contentsOfNumPy: path)
    guard tensor.dtype == .int32, tensor.rank == 1 else {
      throw RecurraError(
        .badData, operation: "read \(path)", expected: "a vector of integers",
        got: "\(tensor.dtype) of shape \(tensor.shape)")
    }
    return tensor.scalars(as: Int32.self).map(Int.init)
  }
}
