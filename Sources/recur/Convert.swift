internal import ArgumentParser
internal import Recurra
internal import RecurraFormats
internal import RecurraLayers

/// Writes what a file holds in another format.
struct Convert: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes a model, or tensors, in another format.",
    discussion: """
      What is read is known by its content, what is written by the ending of its name: .safetensors (Recurra's own, \
      with all that training needs), .keras, .weights.h5, .onnx, .npz. Tensors alone, as in a PyTorch checkpoint, keep \
      their names, shapes and types.
      """)

  @Argument(
    help: "The file to read.",
    completion: .file(extensions: ["safetensors", "keras", "h5", "onnx", "pt", "pth", "npz"]))
  var source: String

  @Argument(help: "The file to write.", completion: .file(extensions: ["safetensors", "keras", "h5", "onnx", "npz"]))
  var target: String

  @Option(help: "The file with the weights, where the first file is an architecture alone.")
  var weights: String?

  @Option(help: "The version of ONNX' operators to write.")
  var opset = 17

  func run() throws {
    var roles = FileRoles()
    try roles.reads("SOURCE", source)
    try roles.reads("--weights", weights)
    try roles.writes("TARGET", target)
    try OutputTarget.check(target)
    let contents = try FileContents(InputSource.open(source), path: source)
    let description = try ModelFormats.format(of: contents).read(contents, ReadingOptions(weights: weights))
    description.warnings.forEach { Console.warning($0) }
    try OutputTarget.write(to: target) { (path, system) throws(RecurraError) in
      var options = WritingOptions(opset: opset)
      options.system = system
      try ModelFormats.write(description, to: path, options)
    }
  }
}
