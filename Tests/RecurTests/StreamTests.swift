import Foundation
import RecurraLayers
import RecurraTensor
import Testing

/// Standard input and output, pipes and devices in the place of files.
@Suite struct StreamTests {
  let tool: Tool

  init() throws {
    tool = try Tool()
    try Lesson.write(to: tool)
    try tool.expectSuccess(Lesson.training)
    try tool.expectSuccess(["predict", "out.safetensors", "--input", "x.npy", "--output", "p.npy"])
  }

  private func expectSuccess(_ script: String) throws {
    let result = try tool.shell("set -o pipefail; " + script)
    #expect(result.code == 0, "\(script): \(result.error)")
  }

  @Test(arguments: [
    "recur predict out.safetensors --input - --output - < x.npy > q.npy",
    "cat x.npy | recur predict out.safetensors --input - --output - | cat > q.npy",
    "cat x.npy | recur predict out.safetensors --input /dev/stdin --output /dev/stdout | cat > q.npy",
    "recur predict out.safetensors --input x.npy --output - > q.npy",
    "recur predict - --input x.npy --output q.npy < out.safetensors",
    "cat out.safetensors | recur predict - --input x.npy --output q.npy",
    "recur predict <(cat out.safetensors) --input <(cat x.npy) --output q.npy",
    "mkfifo a b; cat x.npy > a & cat b > q.npy & recur predict out.safetensors --input a --output b && wait",
  ]) func predictionsAreThoseOfFiles(_ script: String) throws {
    try expectSuccess(script)
    #expect(try tool.bytes("q.npy") == tool.bytes("p.npy"))
  }

  @Test(arguments: [
    "recur train model.json --data - --labels y.npy --save q.safetensors < x.npy",
    "cat y.npy | recur train model.json --data x.npy --labels - --save q.safetensors",
    "recur train - --data x.npy --labels y.npy --save q.safetensors < model.json",
    "recur train model.json --data <(cat x.npy) --labels <(cat y.npy) --save - > q.safetensors",
    "recur train \"$(cat model.json)\" --data x.npy --labels y.npy --save q.safetensors",
  ]) func trainedModelsAreThoseOfFiles(_ script: String) throws {
    try expectSuccess(script)
    #expect(try tool.bytes("q.safetensors") == tool.bytes("out.safetensors"))
  }

  @Test func modelsGoFromOneCommandToTheNext() throws {
    try tool.expectSuccess(["evaluate", "out.safetensors", "--data", "x.npy", "--labels", "y.npy"])
    let expected = tool.text(".output")
    let result = try tool.shell(
      "recur train model.json --data x.npy --labels y.npy --save - | recur evaluate - --data x.npy --labels y.npy")
    #expect(result.code == 0, "\(result.error)")
    #expect(result.output == expected)
  }

  @Test func historyGoesThroughPipesToItsChart() throws {
    try tool.expectSuccess(Lesson.training + ["--history", "h.json"])
    let chart = try tool.output(["plot", "h.json"])
    let result = try tool.shell(
      "recur train model.json --data x.npy --labels y.npy --save o --history - 2> log | recur plot -")
    #expect(result.code == 0, "\(result.error)")
    #expect(result.output == chart)
    #expect(try tool.output(["plot", "h.json", "-o", "-"]) == chart)
  }

  /// Longer than any pipe's buffer, so that it comes in many pieces.
  @Test func longInputsComeWhole() throws {
    let rows = 40_000
    let ids = (0..<rows).flatMap { row in (0..<Lesson.timesteps).map { Lesson.id(row, $0) } }
    try Tensor(ids, shape: [rows, Lesson.timesteps]).writeNumPy(to: tool.path("long.npy"))
    try expectSuccess("recur predict out.safetensors --input long.npy --output a.npy")
    try expectSuccess("cat long.npy | recur predict out.safetensors --input - --output - | cat > b.npy")
    #expect(try tool.bytes("a.npy") == tool.bytes("b.npy"))
  }

  @Test func damagedStreamsAreNamed() throws {
    for (script, code, word) in [
      ("head -c 200 x.npy | recur predict out.safetensors --input - --output -", 65, "read standard input"),
      ("recur predict - --input x.npy --output - < /dev/null", 65, "read standard input"),
      ("head -c 900 out.safetensors | recur summary -", 65, "read standard input"),
      ("echo '[{]' | recur summary -", 65, "read standard input"),
      ("recur predict out.safetensors --input x.npy --output - > /dev/full", 74, "write standard output"),
      ("recur predict out.safetensors --input x.npy --output /dev/full", 74, "write /dev/full"),
      ("recur plot sigmoid > /dev/full", 74, "write standard output"),
    ] as [(String, Int32, String)] {
      let result = try tool.shell(script)
      #expect(result.code == code, "\(script): \(result.error)")
      #expect(result.output.isEmpty && result.error.contains(word), "\(script): \(result.error)")
    }
  }

  @Test func closedStreamsAreNotTakenForFiles() throws {
    try expectSuccess("recur predict out.safetensors --input x.npy --output q.npy <&- >&- 2>&-")
    #expect(try tool.bytes("q.npy") == tool.bytes("p.npy"))
    try expectSuccess("recur train model.json --data x.npy --labels y.npy --save q.safetensors --history h.json 2>&-")
    #expect(try tool.bytes("q.safetensors") == tool.bytes("out.safetensors"))
    for command in ["plot sigmoid", "summary out.safetensors", "--version"] {
      #expect(try tool.shell("recur \(command) >&-").code == 74, "\(command)")
    }
    #expect(try tool.shell("recur predict out.safetensors --input - --output q.npy <&-").code == 74)
  }
}
