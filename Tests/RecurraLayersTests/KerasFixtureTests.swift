import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// Values and gradients of Keras 3 with weights that differ in every gate: forward, states, and every gradient.
@Suite struct KerasFixtureTests {
  static let recurrent = [
    "simple_rnn", "lstm", "gru", "gru_reset_before", "bidirectional_simple_rnn", "bidirectional_lstm",
    "bidirectional_gru",
  ]

  @Test(arguments: recurrent)
  func recurrentLayersAgree(name: String) throws {
    let fixture = try Fixture("keras_\(name)")
    #expect(fixture.cases.count >= 12)
    for reference in fixture.cases {
      let caseName = reference.name
      let layer = try makeLayer(name, reference)
      try compare(layer, reference, name: "\(name) \(caseName)")
    }
  }

  @Test func layerNormalizationAgrees() throws {
    let fixture = try Fixture("keras_layer_normalization")
    for reference in fixture.cases {
      let caseName = reference.name
      let layer = try Registry.standard.layer(
        from: .object([
          ("class_name", .string("LayerNormalization")), ("config", .object(reference.arguments(without: []))),
        ]))
      try layer.build(inputShape: [nil, nil, 5], random: RandomSource(seed: 1), dtype: .float32)
      try layer.setWeights(["gamma", "beta"].compactMap { reference[$0] })
      let input = try reference.required("input").tracked
      let output = try layer.forward(Signal(input), ForwardContext(isRecording: true)).value
      expectClose(output, try reference.required("output"), relative: Tolerance.peers, toLargest: true, caseName)
      let gradients = output.gradients(
        withRespectTo: [input] + layer.parameters.map(\.tracked), seed: try reference.required("upstream"))
      for (name, gradient) in zip(["input"] + layer.parameters.map(\.name), gradients) {
        expectClose(
          gradient, try reference.required("grad_\(name)"), relative: Tolerance.peers, toLargest: true,
          "\(caseName) \(name)")
      }
    }
  }

  private func makeLayer(_ name: String, _ reference: Fixture.Case) throws -> any Layer {
    let classNames = ["simple_rnn": "SimpleRNN", "lstm": "LSTM", "gru": "GRU", "gru_reset_before": "GRU"]
    let cell = name.replacing("bidirectional_", with: "")
    var config = reference.arguments(without: ["merge"])
    config.append(("return_state", .bool(true)))
    if name == "gru_reset_before" { config.append(("reset_after", .bool(false))) }
    let layer = JSONValue.object([
      ("class_name", .string(try #require(classNames[cell]))), ("config", .object(config)),
    ])
    guard name.hasPrefix("bidirectional"), case .string(let merge)? = reference.arguments?["merge"] else {
      return try Registry.standard.layer(from: layer)
    }
    let mode: JSONValue = merge == "none" ? .null : .string(merge)
    return try Registry.standard.layer(
      from: .object([
        ("class_name", .string("Bidirectional")), ("config", .object([("layer", layer), ("merge_mode", mode)])),
      ]))
  }

  private func compare(_ layer: any Layer, _ reference: Fixture.Case, name: String) throws {
    let directions = layer is Bidirectional ? ["", "backward_"] : [""]
    let input = try reference.required("input").tracked
    try layer.build(inputShape: anyBatch(of: input), random: RandomSource(seed: 1), dtype: .float32)
    let weightNames = directions.flatMap { direction in
      ["kernel", "recurrent_kernel", "bias"].map { direction + $0 }.filter { reference[$0] != nil }
    }
    try layer.setWeights(weightNames.compactMap { reference[$0] })
    for (weight, weightName) in zip(layer.weights, weightNames) {
      expectIdentical(weight, try reference.required(weightName), "\(name) \(weightName)")
    }

    let stateNames = directions.flatMap { direction in
      ["h", "c"].map { direction + "initial_" + $0 }.filter { reference[$0] != nil }
    }
    let states = stateNames.compactMap { reference[$0]?.tracked }
    let timesteps = input.shape[1]
    let steps = reference.lengths?.map { length in (0..<timesteps).map { $0 < length } }
    let mask = try steps.map { try SequenceMask(steps: $0) } ?? .all
    let signal = Signal(input, mask: mask, states: states)
    let result = try layer.forward(signal, ForwardContext(isRecording: true))

    let outputNames = result.furtherValues.isEmpty ? ["output"] : ["output", "backward_output"]
    let finalNames = directions.flatMap { direction in
      ["h", "c"].map { direction + "final_" + $0 }.filter { reference[$0] != nil }
    }
    let names = outputNames + finalNames
    let values = [result.value] + result.furtherValues + result.states
    #expect(names.count == values.count, "\(name)")
    var objective = Tensor(0)
    for (valueName, value) in zip(names, values) {
      expectClose(
        value, try reference.required(valueName), relative: Tolerance.peers, toLargest: true, "\(name) \(valueName)")
      let upstreamName = valueName.replacing("output", with: "upstream").replacing("final_", with: "upstream_")
      objective = objective + (value * (try reference.required(upstreamName))).sum()
    }

    let gradients = objective.gradients(withRespectTo: [input] + states + layer.parameters.map(\.tracked))
    var found = Dictionary(uniqueKeysWithValues: zip(["input"] + stateNames, gradients))
    let inputs = input.shape[2]
    for (index, parameter) in layer.parameters.enumerated() {
      let gradient = gradients[1 + states.count + index]
      let direction = index >= layer.parameters.count / directions.count ? "backward_" : ""
      if parameter.name == "weights" {
        found[direction + "kernel"] = gradient.sliced(0..<inputs)
        found[direction + "recurrent_kernel"] = gradient.sliced(inputs..<gradient.shape[0])
      } else {
        found[direction + parameter.name] = gradient
      }
    }
    for (gradientName, gradient) in found {
      expectClose(
        gradient, try reference.required("grad_\(gradientName)"), relative: Tolerance.peers, toLargest: true,
        "\(name) gradient of \(gradientName)")
    }
  }
}
