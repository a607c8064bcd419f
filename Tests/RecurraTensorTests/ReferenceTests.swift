import RecurraTensor
import TestSupport
import Testing

/// What the other tests measure by is itself measured by Keras.
@Suite struct ReferenceTests {
  static let layers: [(String, NaiveCell.Kind)] = [
    ("keras_simple_rnn", .simpleRNN), ("keras_lstm", .lstm), ("keras_gru", .gruResetAfter),
    ("keras_gru_reset_before", .gruResetBefore),
  ]

  @Test(
    "The naive cells give Keras' outputs and states: padded, backwards, from initial states", arguments: Self.layers)
  func naiveCells(file: String, kind: NaiveCell.Kind) throws {
    let cases = try Fixture(file).cases
    #expect(cases.count >= 14)
    for example in cases {
      let recurrent = try example.required("recurrent_kernel")
      let weights = Tensor.concatenated([try example.required("kernel"), recurrent])
      var cell = NaiveCell(kind, weights: weights, bias: example["bias"], units: recurrent.shape[0])
      cell.activation = example.activation("activation", default: .tanh)
      cell.recurrentActivation = example.activation("recurrent_activation", default: .sigmoid)
      let isReversed = example.flag("go_backwards")
      let run = cell.run(
        try example.required("input"), initialStates: ["h", "c"].compactMap { example["initial_\($0)"] },
        lengths: example.lengths, isReversed: isReversed, zeroOutput: example.flag("zero_output_for_mask"))
      let output = try example.required("output").converted(to: .float64)
      let found = run.outputTensor
      // Keras gives the outputs in the order in which it worked.
      let steps = (0..<found.shape[1]).map { found.sliced($0..<($0 + 1), axis: 1) }
      let ordered = isReversed ? Tensor.concatenated(steps.reversed(), axis: 1) : found
      let wanted = output.rank == 3 ? ordered : run.finalTensors[0]
      expectClose(wanted, output, relative: Tolerance.float32, toLargest: true, "\(file) \(example.name)")
      for (state, name) in zip(run.finalTensors, ["final_h", "final_c"]) {
        expectClose(
          state, try example.required(name).converted(to: .float64), relative: Tolerance.float32, toLargest: true,
          "\(file) \(example.name) \(name)")
      }
    }
  }

  /// Those that Keras has by a name alone; but its sparsemax gives rows that do not add up to 1, and TensorFlow counts
  /// the slope of celu twice at 0.
  static let ofKeras = Activation.allCases.filter {
    !["scaled_elu", "threshold", "clipped_line", "scaled_tanh", "affine", "celu", "sparsemax"].contains($0.rawValue)
  }

  @Test("Activations and their gradients are Keras'", arguments: Self.ofKeras)
  func activations(activation: Activation) throws {
    let file = try Fixture("keras_activations")
    let (given, wanted) = (file["all"], file[activation.rawValue])
    let input = try given.required("input").tracked
    let output = activation(input)
    expectClose(output, try wanted.required("output"), relative: Tolerance.peers, toLargest: true)
    let gradient = output.gradients(withRespectTo: [input], seed: try given.required("upstream"))[0]
    expectClose(gradient, try wanted.required("grad_input"), relative: Tolerance.peers, toLargest: true)
  }
}
