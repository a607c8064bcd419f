import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// The numbers that Keras' own tests hold its recurrent layers to: constant weights, inputs 0, 1, 2 …
@Suite struct KerasGoldenTests {
  private func layer(
    _ name: String, _ units: Int, weights: (Double, Double, Double) = (0.01, 0.02, 0.03), _ settings: String = ""
  ) throws -> any RecurrentLayer {
    func constant(_ value: Double) -> String { #"{"class_name": "Constant", "config": {"value": \#(value)}}"# }
    let text = """
      {"class_name": "\(name)", "config": {"units": \(units), "kernel_initializer": \(constant(weights.0)),
       "recurrent_initializer": \(constant(weights.1)), "bias_initializer": \(constant(weights.2))
       \(settings.isEmpty ? "" : ", \(settings)")}}
      """
    let layer = try Registry.standard.layer(from: JSONValue(parsing: Array(text.utf8)))
    return try #require(layer as? any RecurrentLayer)
  }

  private func counting(_ shape: Int...) -> Tensor {
    Tensor((0..<shape.reduce(1, *)).map { Float($0) }, shape: shape)
  }

  /// Every unit gives the same; a number for each row, or for each timestep of each row.
  private func expect(
    _ layer: any Layer, _ x: Tensor, mask: [[Bool]]? = nil, gives numbers: [Double],
    sourceLocation: SourceLocation =
      #_sourceLocation
  ) throws {
    try layer.build(inputShape: anyBatch(of: x), random: RandomSource(seed: 1), dtype: .float32)
    let mask = try mask.map { try SequenceMask(steps: $0) } ?? .all
    let found = try layer.forward(Signal(x, mask: mask), ForwardContext()).value
    let width = found.shape[found.rank - 1]
    let wanted = numbers.flatMap { repeatElement($0, count: width) }
    #expect(found.count == wanted.count, sourceLocation: sourceLocation)
    for (found, wanted) in zip(found.doubles, wanted) {
      #expect((found - wanted).magnitude < 1e-5 * max(1, wanted.magnitude), sourceLocation: sourceLocation)
    }
  }

  @Test func correctness() throws {
    let x = counting(3, 6, 4)
    let backwards = #""go_backwards": true"#
    try expect(layer("LSTM", 3), x, gives: [0.6288687, 0.86899155, 0.9460773])
    try expect(layer("LSTM", 3, backwards), x, gives: [0.35622165, 0.74789524, 0.8872726])
    try expect(layer("LSTM", 3, #""unit_forget_bias": false"#), x, gives: [0.57019705, 0.8661914, 0.9459622])
    try expect(layer("LSTM", 3, #""use_bias": false"#), x, gives: [0.54986924, 0.86226785, 0.9443936])
    try expect(layer("GRU", 3), x, gives: [0.5217289, 0.6371659, 0.39384964])
    try expect(layer("GRU", 3, backwards), x, gives: [0.24406259, 0.611516, 0.3928808])
    try expect(layer("GRU", 3, #""reset_after": false"#), x, gives: [0.51447755, 0.6426879, 0.40208298])
    try expect(layer("GRU", 3, #""use_bias": false"#), x, gives: [0.49988455, 0.64701194, 0.4103359])
    let short = counting(2, 3, 4)
    try expect(layer("SimpleRNN", 4), short, gives: [0.405432, 0.73605347])
    try expect(layer("SimpleRNN", 4, backwards), short, gives: [0.11144729, 0.5528889])
  }

  @Test func masks() throws {
    let x = counting(2, 4, 3)
    let (t, f) = (true, false)
    let right = [[t, t, t, f], [t, t, f, f]]
    let sequences = #""return_sequences": true"#
    let zero = sequences + #", "zero_output_for_mask": true"#
    let backwards = #""go_backwards": true"#
    try expect(layer("LSTM", 2), x, mask: right, gives: [0.11755939, 0.28556206])
    try expect(
      layer("LSTM", 2, sequences), x, mask: right,
      gives: [
        0.0158891, 0.05552048, 0.11755939, 0.11755939, 0.14185596, 0.28556206, 0.28556206, 0.28556206,
      ])
    try expect(
      layer("LSTM", 2, zero), x, mask: right,
      gives: [0.0158891, 0.05552048, 0.11755939, 0, 0.14185596, 0.28556206, 0, 0])
    try expect(
      layer("LSTM", 2, backwards), x, mask: [[f, t, t, t], [f, f, t, t]], gives: [0.15341201, 0.3844719])
    let holes = [[t, t, f, t], [t, f, f, t]]
    try expect(layer("GRU", 2), x, mask: holes, gives: [0.19393763, 0.30818558])
    try expect(
      layer("GRU", 2, sequences), x, mask: holes,
      gives: [
        0.03606692, 0.09497581, 0.09497581, 0.19393763, 0.16051409, 0.16051409, 0.16051409, 0.30818558,
      ])
    try expect(
      layer("GRU", 2, zero), x, mask: holes,
      gives: [0.03606692, 0.09497581, 0, 0.19393763, 0.16051409, 0, 0, 0.30818558])
    try expect(layer("GRU", 2, backwards), x, mask: holes, gives: [0.11669192, 0.28380975])
    try expect(layer("SimpleRNN", 4), x, mask: holes, gives: [0.32951632, 0.61799484])
    try expect(
      layer("SimpleRNN", 2, sequences), x, mask: holes,
      gives: [0.0599281, 0.15122814, 0.15122814, 0.32394567, 0.3969304, 0.3969304, 0.3969304, 0.608085])
    try expect(
      layer("SimpleRNN", 2, zero), x, mask: holes,
      gives: [0.0599281, 0.15122814, 0, 0.32394567, 0.3969304, 0, 0, 0.608085])
    try expect(layer("SimpleRNN", 4, backwards), x, mask: holes, gives: [0.07376196, 0.43645123])
  }

  @Test func bothDirections() throws {
    let x = counting(2, 3, 4)
    let halves = Bidirectional(try layer("SimpleRNN", 2), merge: .none)
    try halves.build(inputShape: anyBatch(of: x), random: RandomSource(seed: 1), dtype: .float32)
    let output = try halves.forward(Signal(x), ForwardContext())
    for (found, wanted) in [
      (output.value, [0.39687276, 0.7237238]), (output.furtherValues[0], [0.10004295, 0.53391594]),
    ] {
      expectClose(
        found, Tensor(wanted.flatMap { [Float($0), Float($0)] }, shape: [2, 2]), relative: 1e-5, absolute: 1e-5)
    }
    try expect(Bidirectional(try layer("SimpleRNN", 2), merge: .average), x, gives: [0.24845785, 0.6288199])
    let backward = try layer("SimpleRNN", 2, weights: (0.03, 0.02, 0.01), #""go_backwards": true"#)
    try expect(
      Bidirectional(try layer("SimpleRNN", 2), merge: .multiply, backwardLayer: backward), x,
      gives: [0.08374989, 0.6740834])
    try expect(
      Bidirectional(try layer("GRU", 2, #""return_sequences": true"#), merge: .sum), x,
      gives: [0.20937867, 0.34462988, 0.40290534, 0.59829646, 0.6734641, 0.6479671])
    let masked = Bidirectional(try layer("GRU", 2), merge: .none)
    let long = counting(2, 4, 3)
    try masked.build(inputShape: anyBatch(of: long), random: RandomSource(seed: 1), dtype: .float32)
    let mask = try SequenceMask(steps: [[true, true, false, true], [true, false, false, true]])
    let merged = try masked.forward(Signal(long, mask: mask), ForwardContext())
    for (found, wanted) in [
      (merged.value, [0.19393763, 0.30818558]), (merged.furtherValues[0], [0.11669192, 0.28380975]),
    ] {
      expectClose(
        found, Tensor(wanted.flatMap { [Float($0), Float($0)] }, shape: [2, 2]), relative: 1e-5, absolute: 1e-5)
    }
  }

  @Test func statesOfBothDirections() throws {
    let x = counting(2, 4, 3)
    let both = Bidirectional(try layer("LSTM", 2, #""return_state": true"#))
    try both.build(inputShape: anyBatch(of: x), random: RandomSource(seed: 1), dtype: .float32)
    let states = try both.forward(Signal(x), ForwardContext()).states
    let wanted = [
      [0.1990008, 0.52335435], [0.35567185, 1.0492687], [0.12659755, 0.44717982], [0.2501858, 0.941473],
    ]
    #expect(states.count == 4)
    for (found, wanted) in zip(states, wanted) {
      expectClose(
        found, Tensor(wanted.flatMap { [Float($0), Float($0)] }, shape: [2, 2]), relative: 1e-5, absolute: 1e-5)
    }
  }

  @Test func aStackOfCells() throws {
    let cell =
      #"{"class_name": "LSTMCell", "config": {"units": 1, "kernel_initializer": "ones", "#
      + #""recurrent_initializer": "ones"}}"#
    let text =
      #"{"class_name": "RNN", "config": {"cell": {"class_name": "StackedRNNCells", "config": {"cells": ["#
      + "\(cell), \(cell)]}}}}"
    let stack = try Registry.standard.layer(from: JSONValue(parsing: Array(text.utf8)))
    let x = Tensor.ones([2, 3, 4])
    try stack.build(inputShape: anyBatch(of: x), random: RandomSource(seed: 1), dtype: .float32)
    let mask = try SequenceMask(steps: [[true, true, true], [true, true, false]])
    let found = try stack.forward(Signal(x, mask: mask), ForwardContext()).value.doubles
    #expect((found[0] - 0.7793).magnitude < 1e-4 && (found[1] - 0.5998).magnitude < 1e-4)
  }
}
