import Foundation
import RecurraLayers
import RecurraTensor
import Testing

@Suite struct OutputTests {
  let tool: Tool

  init() throws { tool = try Tool() }

  @Test(arguments: ["[]", "{}", #"{"loss": []}"#, #"{"loss": [1, "x"]}"#, #"{"loss": 1}"#, #"{"loss": [1,]}"#])
  func otherFilesAreNoHistory(_ text: String) throws {
    try tool.write(text, to: "h.json")
    try tool.expectFailure(65, "h.json", "expected", of: ["plot", "h.json"])
  }

  @Test func summaryGoesToStandardOutput() throws {
    let model = Sequential { LSTM(units: 100) }
    try model.build(inputShape: [nil, nil, 60])
    try model.save(to: tool.path("model.safetensors"))
    let result = try tool.run("summary", "model.safetensors")
    #expect(result.code == 0 && result.error.isEmpty)
    #expect(result.output == model.summary() + "\n")
    #expect(result.output.contains("64,400"))
  }

  @Test func versionHelpAndCompletions() throws {
    let version = try tool.run("--version")
    #expect(version.code == 0)
    #expect(version.output.wholeMatch(of: /\d+\.\d+\.\d+\n/) != nil)
    let help = try tool.run("--help")
    #expect(help.code == 0)
    for name in ["demo", "train", "evaluate", "predict", "summary", "plot"] {
      #expect(help.output.contains("  \(name) "))
    }
    for shell in ["bash", "zsh", "fish"] {
      let script = try tool.run("--generate-completion-script", shell)
      #expect(script.code == 0)
      #expect(script.output.contains("validation-split"))
    }
  }
}
