internal import ArgumentParser
internal import Recurra
internal import RecurraFormats
internal import RecurraLayers
internal import RecurraTensor

/// Says what a file holds.
struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lists what a model's file holds: tensors with shapes and types, metadata, operators.")

  @Argument(
    help: "The file.", completion: .file(extensions: ["safetensors", "keras", "h5", "onnx", "pt", "pth", "npz"]))
  var file: String

  @Flag(help: "Prints one JSON object.")
  var json = false

  func run() throws {
    let contents = try FileContents(InputSource.open(file), path: file)
    let format = try ModelFormats.format(of: contents)
    let description = try format.read(contents, ReadingOptions())
    if json {
      try Console.output(
        String(decoding: report(format.name, description).encoded(pretty: true), as: UTF8.self) + "\n")
    } else {
      try Console.output(text(format.name, description))
    }
  }

  private func report(_ format: String, _ description: ModelDescription) -> JSONValue {
    let tensors = description.tensors.map { name, tensor in
      JSONValue.object([
        ("name", .string(name)), ("shape", .array(tensor.shape.map { .integer($0) })),
        ("type", .string(tensor.elementType)),
      ])
    }
    var members: [(name: String, value: JSONValue)] = [
      ("format", .string(format)), ("tensors", .array(tensors)),
      ("metadata", .object(description.metadata.map { (name: $0, value: .string($1)) })),
      ("operators", .object(description.operators.map { (name: $0, value: .integer($1)) })),
    ]
    if let (inputs, outputs) = names(description) {
      members.append(("inputs", .array(inputs.map { .string($0) })))
      members.append(("outputs", .array(outputs.map { .string($0) })))
    }
    members.append(("is_compiled", .bool(description.training != nil)))
    return .object(members)
  }

  private func names(_ description: ModelDescription) -> (inputs: [String], outputs: [String])? {
    if let graph = description.arrayGraph { return (graph.inputNames, graph.outputNames) }
    return description.model.map { ($0.inputNames, $0.outputNames) }
  }

  private func text(_ format: String, _ description: ModelDescription) -> String {
    var lines = ["Format: \(format)"]
    if let (inputs, outputs) = names(description) {
      lines.append("Inputs: \(inputs.map(\.printable).joined(separator: ", "))")
      lines.append("Outputs: \(outputs.map(\.printable).joined(separator: ", "))")
    }
    for (name, value) in description.metadata { lines.append("\(name.printable): \(value.excerpt)") }
    let operators = description.operators.map { "\($0.printable) \($1)" }
    if !operators.isEmpty { lines.append("Operators: \(operators.joined(separator: ", "))") }
    if !description.tensors.isEmpty {
      lines.append("")
      let rows = description.tensors.map { name, tensor in
        [name.printable, "[\(tensor.shape.map(String.init).joined(separator: ", "))]", tensor.elementType]
      }
      lines.append(TextTable(head: ["Tensor", "Shape", "Type"], rows: rows, leftColumns: [0, 1, 2]).text)
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
