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

  @Test func statesThatGoOn() throws {
    let stateful = #""stateful": true"#
    for (name, numbers) in [
      ("LSTM", [0.3124785, 0.6863672]), ("GRU", [0.29542392, 0.5885018]), ("SimpleRNN", [0.40559256, 0.7361247]),
    ] {
      let (layer, x) = (try layer(name, 4, stateful), counting(2, 3, 4))
      for _ in 0..<2 {
        _ = try layer(x)
        try expect(layer, x, gives: numbers)
        layer.reset()
      }
    }
    let (both, x) = (Bidirectional(try layer("LSTM", 2, stateful)), counting(2, 4, 3))
    for _ in 0..<2 {
      _ = try both(x)
      expectClose(
        try both(x),
        Tensor(
          [0.26234663, 0.26234663, 0.16959146, 0.16959146, 0.6137073, 0.6137073, 0.5381646, 0.5381646] as [Float],
          shape: [2, 4]), relative: 1e-5, absolute: 1e-5)
      both.reset()
    }
  }

  @Test func initialStates() throws {
    let (x, backwards) = (counting(2, 4, 3), #""go_backwards": true"#)
    let (small, wide) = (counting(2, 2), counting(2, 4))
    let both = Bidirectional(try layer("LSTM", 2))
    for (layer, states, numbers) in [
      (try layer("LSTM", 2) as any Layer, [small, small], [0.20574439, 0.3558822, 0.64930826, 0.66276]),
      (try layer("LSTM", 2, backwards), [small, small], [0.13281618, 0.2790356, 0.5839337, 0.5992567]),
      (try layer("GRU", 2), [small], [0.23774096, 0.33508456, 0.83659905, 1.0227708]),
      (try layer("GRU", 2, backwards), [small], [0.13486053, 0.23261218, 0.78257304, 0.9691353]),
      (
        try layer("SimpleRNN", 4), [wide],
        [0.33621645, 0.33621645, 0.33621645, 0.33621645] + [Double](repeating: 0.6262637, count: 4)
      ),
      (
        try layer("SimpleRNN", 4, backwards), [wide],
        [Double](repeating: 0.07344437, count: 4) + [Double](repeating: 0.43043602, count: 4)
      ),
      (
        both, [small, small * 2, small * 3, small * 4],
        [0.20794602, 0.4577124, 0.14046375, 0.48191673, 0.6682636, 0.6711909, 0.60943645, 0.60950446]
      ),
    ] as [(any Layer, [Tensor], [Double])] {
      try layer.build(inputShape: anyBatch(of: x), random: RandomSource(seed: 1), dtype: .float32)
      let found = try layer.forward([Value(x)] + states.map { Value($0) }, ForwardContext())[0].tensor
      expectClose(found, Tensor(numbers.map { Float($0) }, shape: found.shape), relative: 1e-5, absolute: 1e-5)
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
