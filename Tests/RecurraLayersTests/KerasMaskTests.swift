import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// Layers and stacks behind every kind of mask, against what Keras computed: outputs, states, masks and gradients.
@Suite struct KerasMaskTests {
  static let cases: [String] = (try? Fixture("keras_masks").cases.map(\.name)) ?? []

  @Test func thereAreCases() { #expect(Self.cases.count > 200) }

  private func list(_ values: Fixture.Case, _ what: String) -> [Tensor] {
    var found: [Tensor] = []
    while let tensor = values["\(what)_\(found.count)"] { found.append(tensor) }
    return found
  }

  @Test(arguments: cases) func aMaskMeansWhatItMeansToKeras(name: String) throws {
    let values = try Fixture("keras_masks")[name]
    let layer = try Registry.standard.layer(from: #require(values.arguments?["layer"]))
    let inputs = list(values, "input").map { $0.dtype.isFloating ? $0.tracked : $0 }
    try layer.build(inputShapes: inputs.map { anyBatch(of: $0) }, random: RandomSource(seed: 3), dtype: .float32)
    try layer.setWeights(list(values, "weight"))
    let given = try inputs.enumerated().map { index, tensor in
      try Value(tensor, mask: values["mask_\(index)"].map { try SequenceMask(steps: $0) } ?? .all)
    }
    let outputs = try layer.forward(given, ForwardContext(isRecording: true))
    let wanted = list(values, "output")
    #expect(outputs.count == wanted.count && !wanted.isEmpty)
    for (index, (found, wanted)) in zip(outputs, wanted).enumerated() {
      close(found.tensor, wanted, "output \(index)")
    }
    let (rows, timesteps) = (outputs[0].tensor.shape[0], outputs[0].tensor.shape.dropFirst().first ?? 1)
    let mask = values["output_mask"] ?? .ones([rows, timesteps])
    expectIdentical(
      outputs[0].mask.tensor(rows: rows, timesteps: timesteps), mask.converted(to: .float32), "\(name) mask")

    let objective = zip(outputs, list(values, "upstream")).map { ($0.tensor * $1).sum() }
    let sum = objective.dropFirst().reduce(objective[0]) { $0 + $1 }
    let sources = inputs.filter { $0.dtype.isFloating }
    let parameters = layer.parameters.filter(\.isTrainable)
    let gradients = sum.gradients(withRespectTo: sources + parameters.map(\.tracked))
    for index in sources.indices {
      close(gradients[index], try values.required("grad_input_\(index)"), "gradient of input \(index)")
    }
    // [W; U] is two weights to Keras.
    var next = 0
    for (parameter, gradient) in zip(parameters, gradients.dropFirst(sources.count)) {
      let first = try values.required("grad_weight_\(next)")
      next += 1
      if first.shape == gradient.shape {
        close(gradient, first, "gradient of \(parameter.name)")
      } else {
        close(
          gradient, .concatenated([first, try values.required("grad_weight_\(next)")]),
          "gradient of \(parameter.name)")
        next += 1
      }
    }
    #expect(values["grad_weight_\(next)"] == nil)
  }

  private func close(_ found: Tensor, _ wanted: Tensor, _ comment: String) {
    #expect(found.shape == wanted.shape)
    expectClose(found, wanted, relative: Tolerance.peers, absolute: 2e-6, toLargest: true, comment)
  }
}
