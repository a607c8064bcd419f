import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// Layers as Keras' own JSON describes them, against what Keras computed: outputs, masks, gradients and statistics.
@Suite struct KerasLayersTests {
  static let cases: [String] = (try? Fixture("keras_layers").cases.map(\.name)) ?? []

  @Test func thereAreCases() { #expect(Self.cases.count > 70) }

  private func list(_ values: Fixture.Case, _ what: String, _ count: Int = .max) -> [Tensor] {
    var found: [Tensor] = []
    while found.count < count, let tensor = values["\(what)_\(found.count)"] { found.append(tensor) }
    return found
  }

  @Test(arguments: cases) func aLayerComputesWhatKerasComputed(name: String) throws {
    let values = try Fixture("keras_layers")[name]
    let layer = try Registry.standard.layer(from: #require(values.arguments?["layer"]))
    let tensors = list(values, "input").map(\.tracked)
    try layer.build(inputShapes: tensors.map { anyBatch(of: $0) }, random: RandomSource(seed: 3), dtype: .float32)
    try layer.setWeights(list(values, "weight"))
    let inputs = try tensors.enumerated().map { index, tensor in
      try Value(tensor, mask: values["mask_\(index)"].map { try SequenceMask(steps: $0) } ?? .all)
    }
    let context = ForwardContext(isTraining: values.flag("training"), isRecording: true)
    let outputs = try layer.forward(inputs, context)
    let wanted = list(values, "output")
    #expect(outputs.count == wanted.count && !wanted.isEmpty)
    let shapes = try layer.outputShapes(for: tensors.map { $0.shape.map { Optional($0) } })
    #expect(shapes == wanted.map { $0.shape.map { Optional($0) } })
    for (index, (found, wanted)) in zip(outputs, wanted).enumerated() {
      close(found.tensor, wanted, "\(name) output \(index)")
    }
    let mask = try values["output_mask"].map { try SequenceMask(steps: $0) } ?? .all
    if outputs[0].tensor.rank == 3 { expectMask(outputs[0].mask, mask, outputs[0].tensor) }

    let objective = zip(outputs, list(values, "upstream")).map { ($0.tensor * $1).sum() }
    let sum = objective.dropFirst().reduce(objective[0]) { $0 + $1 }
    let parameters = layer.parameters
    let trained = parameters.indices.filter { values["grad_weight_\($0)"] != nil }
    #expect(trained == parameters.indices.filter { parameters[$0].isTrainable })
    let gradients = sum.gradients(withRespectTo: tensors + trained.map { parameters[$0].tracked })
    for index in tensors.indices {
      close(gradients[index], try values.required("grad_input_\(index)"), "\(name) gradient of input \(index)")
    }
    for (position, index) in trained.enumerated() {
      close(
        gradients[tensors.count + position], try values.required("grad_weight_\(index)"),
        "\(name) gradient of \(parameters[index].name)")
    }
    for index in parameters.indices {
      if let wanted = values["after_\(index)"] {
        close(parameters[index].value, wanted, "\(name) \(parameters[index].name) afterwards")
      }
    }
  }

  /// Keras writes the operations that make masks into its graphs; here values carry theirs along.
  @Test func aGraphOfKerasWithItsMasksIsRead() throws {
    let values = try Fixture("keras_masked_graph")["masked"]
    let description = try #require(values.arguments?["model"])
    #expect(description.text.contains("NotEqual"))
    let model = try Model(configuration: description)
    #expect(!model.layerNames.contains("not_equal"))
    try model.setWeights(list(values, "weight"))
    let found = try model(values.required("ids"))
    expectClose(found, try values.required("output"), relative: 2e-5, absolute: 2e-6)
    let again = try Model(configuration: model.json)
    try again.setWeights(model.weights)
    expectIdentical(try again(values.required("ids")), found)
  }

  private func close(_ found: Tensor, _ wanted: Tensor, _ comment: String) {
    expectClose(found, wanted, relative: Tolerance.peers, absolute: 2e-6, toLargest: true, comment)
  }

  private func expectMask(_ found: SequenceMask, _ wanted: SequenceMask, _ output: Tensor) {
    let (rows, timesteps) = (output.shape[0], output.shape[1])
    expectIdentical(
      found.tensor(rows: rows, timesteps: timesteps), wanted.tensor(rows: rows, timesteps: timesteps), "mask")
  }
}
