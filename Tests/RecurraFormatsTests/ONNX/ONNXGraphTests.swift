import Foundation
import RecurraFormats
import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// Whole models, against what ONNX Runtime gives for them.
@Suite struct ONNXGraphTests {
  @Test("Recurrent nodes, exports, old forms and graphs inside nodes agree with ONNX Runtime")
  func models() throws {
    let fixture = try Fixture("onnx_graphs")
    #expect(fixture.cases.count >= 40)
    for test in fixture.cases {
      let model = try ONNXCase(test)
      let graph = try #require(try model.read().arrayGraph, "\(test.name)")
      for (name, value) in zip(graph.outputNames, try graph.run(model.inputs)) {
        let wanted = try #require(model.outputs[name], "\(test.name) \(name)")
        #expect(NodeCase.difference(value, wanted) == nil, "\(test.name) \(name)")
      }
    }
  }

  @Test("The cases that come with ONNX pass, or are refused with an error", .enabled(if: !NodeCase.all.isEmpty))
  func nodeCases() {
    var passed = 0
    for test in NodeCase.all where !test.isRandom {
      switch test.run() {
      case .passed: passed += 1
      case .refused(let error): #expect(error.contains("expected") && error.contains("model.onnx"), "\(test.name)")
      case .wrong(let fault): Issue.record("\(test.name): \(fault)")
      }
    }
    #expect(passed >= 700)
  }

  @Test(
    "The fourteen recurrent cases that come with ONNX", .enabled(if: !NodeCase.all.isEmpty),
    arguments: [
      "gru_batchwise", "gru_defaults", "gru_seq_length", "gru_with_initial_bias", "lstm_batchwise", "lstm_defaults",
      "lstm_with_initial_bias", "lstm_with_peepholes", "reversesequence_batch", "reversesequence_time",
      "rnn_seq_length", "simple_rnn_batchwise", "simple_rnn_defaults", "simple_rnn_with_initial_bias",
    ])
  func recurrentCase(name: String) { #expect(NodeCase(name: "test_\(name)").run() == .passed) }
}
