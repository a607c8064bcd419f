import Foundation
import RecurraLayers
import RecurraTensor
import Testing

/// What a run writes down of itself, in its history and in the notes of its model.
@Suite struct HistoryFileTests {
  let tool: Tool

  init() throws {
    tool = try Tool()
    try Lesson.write(to: tool)
  }

  private func expectSettings(
    _ options: [String], epochs: Int, _ notes: [(name: String, value: JSONValue)],
    parameters: [(name: String, value: JSONValue)], at location: SourceLocation = #_sourceLocation
  ) throws {
    try tool.expectSuccess(Lesson.training + options + ["--history", "h.json"], at: location)
    let history = try JSONValue(contentsOf: tool.path("h.json"))
    let expected = JSONValue.object([("epochs", .integer(epochs))] + parameters + notes)
    #expect(history["params"] == expected, "\(options): \(tool.text("h.json"))", sourceLocation: location)
    #expect(history["epoch"] == .array((0..<epochs).map { .integer($0) }), sourceLocation: location)
    let file = try ModelFile(InputFile(tool.path("out.safetensors")))
    let note = try JSONValue(parsing: Array((file.notes["training"] ?? "").utf8))
    #expect(note == .object(notes), "\(options): \(file.notes)", sourceLocation: location)
  }

  @Test func usualSettings() throws {
    try expectSettings(
      ["--threads", "1"], epochs: 1,
      [
        ("batch_size", .integer(32)), ("learning_rate", .number(0.001)),
        ("loss", .string("sparse_categorical_crossentropy")), ("optimizer", .string("adam")), ("shuffle", .bool(true)),
        ("validation_split", .number(0)),
      ], parameters: [("steps", .integer(3)), ("seed", .integer(0)), ("threads", .integer(1))])
  }

  @Test func everySettingThatIsGiven() throws {
    try expectSettings(
      [
        "--epochs", "2", "--batch-size", "10", "--validation-split", "0.25", "--no-shuffle", "--seed", "\(UInt64.max)",
        "--optimizer", "SGD", "--learning-rate", "0.125", "--threads", "3",
      ], epochs: 2,
      [
        ("batch_size", .integer(10)), ("learning_rate", .number(0.125)),
        ("loss", .string("sparse_categorical_crossentropy")), ("optimizer", .string("sgd")), ("shuffle", .bool(false)),
        ("validation_split", .number(0.25)),
      ], parameters: [("steps", .integer(8)), ("seed", .string("\(UInt64.max)")), ("threads", .integer(3))])
    guard case .object(let metrics)? = try JSONValue(contentsOf: tool.path("h.json"))["history"] else {
      Issue.record("expected metrics, got \(tool.text("h.json"))")
      return
    }
    #expect(Set(metrics.map(\.name)) == ["accuracy", "loss", "val_accuracy", "val_loss"])
  }
}
