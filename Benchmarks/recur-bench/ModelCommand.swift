import ArgumentParser
import Recurra
import RecurraFormats
import RecurraLayers
import RecurraTensor
import RecurraTraining

/// Times a model from a file of any format, in this process and warm: no start-up, no reading of files.
struct ModelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "model", abstract: "Times the answers of a model from a file of any format.")

  @Argument(help: "A saved model, or layers where --weights names their numbers.")
  var model: String
  @Option(help: "The file with the weights, where MODEL is an architecture alone.")
  var weights: String?
  @Option(help: "An array (.npy) for each of the model's inputs, NAME=FILE where there are several.")
  var input: [String]
  @OptionGroup var timing: TimingOptions

  func run() throws {
    Threads.count = timing.threadCount
    let description = try ModelFormats.read(model, ReadingOptions(weights: weights))
    let work: () throws -> Void
    if let graph = description.arrayGraph {
      var arrays: NamedValues<StoredTensor> = [:]
      for (name, path) in try files(for: graph.inputNames) {
        arrays[name] = try StoredTensor(numPy: InputFile(path, maximumByteCount: .max))
      }
      work = { [arrays] in _ = try graph.run(arrays) }
    } else if let network = description.model {
      let inputs = try files(for: network.inputNames).map {
        try Tensor(numPy: InputFile($0.path, maximumByteCount: .max))
      }
      work = { _ = try network.predict(inputs, batchSize: max(1, inputs[0].shape[0])) }
    } else {
      throw ValidationError("\(model): expected a model, got \(description.tensors.count) tensors alone")
    }
    try work()
    let result = timing.stopwatch.time { orExit(work) }
    guard timing.json else {
      return Report.line("\(model): \(Table.fixed(result.median * 1e3, 3)) ms for its inputs")
    }
    Report.line(
      JSONLine([
        ("model", .text(model)), ("threads", .count(timing.threadCount)), ("median_seconds", .number(result.median)),
        ("minimum_seconds", .number(result.minimum)),
      ]).text)
  }

  /// The file of each input, in the model's order.
  private func files(for names: [String]) throws -> [(name: String, path: String)] {
    if names.count == 1, input.count == 1, !input[0].hasPrefix("\(names[0])=") { return [(names[0], input[0])] }
    return try names.map { name in
      guard let text = input.first(where: { $0.hasPrefix("\(name)=") }) else {
        throw ValidationError("expected --input NAME=FILE for each of \(names.joined(separator: ", "))")
      }
      return (name, String(text.dropFirst(name.count + 1)))
    }
  }
}
