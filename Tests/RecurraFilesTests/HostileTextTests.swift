import Foundation
import RecurraLayers
import RecurraTensor
import Testing

/// Text from files in messages: on one line, cut, and without what moves a terminal's cursor.
@Suite struct HostileTextTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Line ends, escapes, a right-to-left override, C1 controls, and a length that no terminal wants.
  static let texts = [
    "a\nb", "\u{1B}[2Jx", "\u{202E}txt", "\u{9B}31m", "\u{2028}", "\u{85}", "\r",
    String(repeating: "x", count: 1_000_000),
    "e" + String(repeating: "\u{301}", count: 1_000_000),
  ]

  private func expectTame(
    at location: SourceLocation = #_sourceLocation, _ body: () throws -> Void
  ) {
    guard let error = #expect(throws: RecurraError.self, sourceLocation: location, performing: body) else { return }
    let scalars = error.description.unicodeScalars
    #expect(scalars.count < 3_500, sourceLocation: location)
    let wild = scalars.filter { scalar in
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator: true
      default: false
      }
    }
    #expect(wild.isEmpty, "\(wild)", sourceLocation: location)
  }

  private func quoted(_ text: String) -> String { JSONValue.string(text).text }

  @Test(arguments: texts) func inJSONIsTamed(_ text: String) {
    func parse(_ json: String) throws { _ = try JSONValue(parsing: Array(json.utf8)) }
    expectTame { try parse("{\(quoted(text)): 1, \(quoted(text)): 2}") }
    expectTame { try parse("[\(quoted(text)), \(text)") }
  }

  @Test(arguments: texts) func inModelsFromJSONIsTamed(_ text: String) throws {
    let descriptions = [
      #"[{"class_name": \#(quoted(text))}]"#, #"[{"class_name": "LSTM", "config": {"units": \#(quoted(text))}}]"#,
      #"[{"class_name": "LSTM", "config": {"units": 2, \#(quoted(text)): 1}}]"#,
      #"[{"class_name": "LSTM", "config": {"units": 2, "kernel_initializer": \#(quoted(text))}}]"#,
      #"[{"class_name": "LSTM", "config": {"units": 2, "kernel_initializer": {\#(quoted(text)): 2}}}]"#,
      #"[{"class_name": "LSTM", "config": {"units": 2, "activation": \#(quoted(text))}}]"#, quoted(text),
      #"[{"class_name": "Flatten", "config": {"name": \#(quoted(text))}}, "#
        + #"{"class_name": "Flatten", "config": {"name": \#(quoted(text))}}]"#,
      #"[{"class_name": "InputLayer", "config": {"batch_shape": [null, 3]}}, "#
        + #"{"class_name": "LSTM", "config": {"units": 2, "name": \#(quoted(text))}}]"#,
    ]
    for description in descriptions {
      let json = try JSONValue(parsing: Array(description.utf8))
      expectTame { _ = try Sequential(configuration: json) }
    }
  }

  @Test(arguments: texts) func inModelFilesIsTamed(_ text: String) throws {
    let model = Sequential { Dense(units: 2) }
    try model.build(inputShape: [nil, 3])
    try model.save(to: folder("model"))
    let whole = try SafeTensors(contentsOf: folder("model"))
    let changes: [(inout SafeTensors) -> Void] = [
      { $0.metadata["version"] = text }, { $0.tensors[text] = [1] }, { $0.metadata["architecture"] = text },
      { $0.metadata["notes"] = text },
    ]
    for change in changes {
      var file = whole
      change(&file)
      try file.write(to: folder("changed"))
      expectTame { _ = try Sequential.load(from: folder("changed")) }
    }
  }

  @Test(arguments: texts) func inSafetensorsIsTamed(_ text: String) throws {
    let name = quoted(text)
    let headers = [
      #"{\#(name): {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}"#, #"{\#(name): {"dtype": "F32"}}"#,
      #"{\#(name): {"dtype": "F9", "shape": [2], "data_offsets": [0, 8]}}"#,
      #"{"a": {"dtype": \#(name), "shape": [2], "data_offsets": [0, 8]}}"#, #"{"__metadata__": {\#(name): 1}}"#,
      #"{\#(name): {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}}"#,
      #"{\#(name): {"dtype": "F32", "shape": [0, 9223372036854775807], "data_offsets": [0, 0]}}"#,
    ]
    for header in headers {
      let text = Array(header.utf8)
      let size = (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) }
      let path = try folder.add("x", size + text + [UInt8](repeating: 1, count: 8))
      expectTame { _ = try SafeTensors(contentsOf: path) }
    }
  }

  @Test func shapesOfManyAxesAreCut() throws {
    let axes = Array(repeating: "1", count: 3_000).joined(separator: ",")
    let header = Array("{'descr': '<f4', 'fortran_order': False, 'shape': (\(axes)), }\n".utf8)
    let size = [UInt8(header.count & 0xFF), UInt8(header.count >> 8)]
    let path = try folder.add("x.npy", [0x93] + Array("NUMPY".utf8) + [1, 0] + size + header)
    expectTame { _ = try Tensor(contentsOfNumPy: path) }
    let many = Array(repeating: "1", count: 100_000).joined(separator: ",")
    let json = #"{"a":{"dtype":"F32","shape":[\#(many)],"data_offsets":[0,8]}}"#
    let text = Array(json.utf8)
    let length = (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) }
    let tensors = try folder.add("x.safetensors", length + text + [UInt8](repeating: 1, count: 8))
    expectTame { _ = try SafeTensors(contentsOf: tensors) }
  }

  @Test(arguments: texts) func inSummariesIsTamed(_ text: String) throws {
    let name = quoted(text)
    let description =
      #"{"name": \#(name), "layers": [{"class_name": "Dense", "config": {"units": 2, "name": \#(name)}}]}"#
    let model = try Sequential(configuration: JSONValue(parsing: Array(description.utf8)))
    let summary = model.summary(lineLength: 60)
    let wild = summary.unicodeScalars.filter {
      $0 != "\n" && ($0.value < 0x20 || $0.properties.generalCategory == .format)
    }
    #expect(wild.isEmpty)
    #expect(summary.split(separator: "\n").count < 12 && summary.unicodeScalars.count < 5_000)
  }

  @Test func pathsInErrorsAreTamed() {
    for text in Self.texts where text.utf8.count < 100 {
      let path = folder(text)
      expectTame { _ = try SafeTensors(contentsOf: path) }
      expectTame { try SafeTensors(["a": [1]]).write(to: path + "/x") }
    }
  }
}
