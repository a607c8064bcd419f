import RecurraCells
import RecurraTensor
import TestSupport
import Testing

/// A cell that is written in tensor operations: the loop does for it what it does for any other.
extension EngineSettings {
  @Suite("A composed cell") struct ComposedCells {
    private static func values(_ dtype: DType = .float64) -> [Tensor] {
      [[3, 5, 2], [2, 16], [4, 16], [16], [3, 4], [3, 4]].enumerated().map {
        Tensor.varied($1, seed: 80 + $0, dtype: .float32).converted(to: dtype)
      }
    }

    private static func run(
      _ values: [Tensor], _ lengths: [Int]?, isReversed: Bool, padding: PaddedOutput = .repeatsLast,
      returnsSequences: Bool = true, keepsTrace: Bool = false
    ) -> RecurrentOutput {
      let direction = RecurrentDirection(
        weights: .zeros([0, 4], dtype: values[0].dtype), bias: nil, parameters: Array(values[1...3]),
        initialStates: Array(values[4...5]), isReversed: isReversed)
      return values[0].recurrent(
        ComposedLSTM(), [direction], lengths: lengths, returnsSequences: returnsSequences, padding: padding,
        keepsTrace: keepsTrace)
    }

    private static func gated(
      _ values: [Tensor], _ lengths: [Int]?, isReversed: Bool, padding: PaddedOutput = .repeatsLast,
      returnsSequences: Bool = true, keepsTrace: Bool = false
    ) -> RecurrentOutput {
      let direction = RecurrentDirection(
        weights: .concatenated([values[1], values[2]]), bias: values[3], initialStates: Array(values[4...5]),
        isReversed: isReversed)
      return values[0].recurrent(
        LSTMCell(), [direction], lengths: lengths, returnsSequences: returnsSequences, padding: padding,
        keepsTrace: keepsTrace)
    }

    @Test(
      "An LSTM written that way gives an LSTM's outputs, states and traces", arguments: [nil, [5, 2, 0]], [false, true])
    func outputs(lengths: [Int]?, isReversed: Bool) {
      let values = Self.values()
      for padding in [PaddedOutput.repeatsLast, .zero] {
        for returnsSequences in [true, false] {
          let found = Self.run(
            values, lengths, isReversed: isReversed, padding: padding, returnsSequences: returnsSequences,
            keepsTrace: true)
          let wanted = Self.gated(
            values, lengths, isReversed: isReversed, padding: padding, returnsSequences: returnsSequences,
            keepsTrace: true)
          expectClose(found.output, wanted.output, relative: Tolerance.float64, toLargest: true)
          for (found, wanted) in zip(found.states, wanted.states) {
            expectClose(found, wanted, relative: Tolerance.float64, toLargest: true)
          }
          expectClose(found.traces[0].hidden, wanted.traces[0].hidden, relative: Tolerance.float64, toLargest: true)
          expectClose(
            found.traces[0].memory ?? Tensor(0), wanted.traces[0].memory ?? Tensor(1), relative: Tolerance.float64,
            toLargest: true)
        }
      }
    }

    @Test("Its gradients are an LSTM's", arguments: [nil, [5, 2, 0]], [false, true])
    func gradients(lengths: [Int]?, isReversed: Bool) {
      let values = Self.values()
      func gradients(_ run: ([Tensor]) -> RecurrentOutput) -> [Tensor] {
        let tracked = values.map(\.tracked)
        let result = run(tracked)
        return LayerCase.objective([result.output] + result.states).gradients(withRespectTo: tracked)
      }
      let found = gradients { Self.run($0, lengths, isReversed: isReversed) }
      let wanted = gradients { Self.gated($0, lengths, isReversed: isReversed) }
      for (index, pair) in zip(found, wanted).enumerated() {
        expectClose(pair.0, pair.1, relative: 1e-10, toLargest: true, "value \(index)")
      }
    }

    @Test("NaN in padding reaches neither outputs nor gradients")
    func padding() {
      var values = Self.values()
      let clean = Self.run(values, [5, 2, 0], isReversed: false)
      let isValid = Tensor([1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0] as [Int32], shape: [3, 5, 1])
      values[0] = .select(isValid, values[0], .zeros([3, 5, 2], dtype: .float64) + .nan)
      let tracked = values.map(\.tracked)
      let result = Self.run(tracked, [5, 2, 0], isReversed: false)
      expectIdentical(result.output.detached, clean.output)
      for gradient in result.output.sum().gradients(withRespectTo: tracked) {
        #expect(gradient.doubles.allSatisfy { $0.isFinite })
      }
    }

    @Test("A stepper gives the whole sequence's bits, and begins again")
    func steps() throws {
      let values = Self.values(.float32)
      let direction = RecurrentDirection(
        weights: .zeros([0, 4]), bias: nil, parameters: Array(values[1...3]), initialStates: Array(values[4...5]))
      let whole = values[0].recurrent(ComposedLSTM(), [direction], returnsSequences: true)
      let stepper = RecurrentStepper<Float>(ComposedLSTM(), direction, inputs: 2, batch: 3)
      for _ in 0..<2 {
        for time in 0..<5 {
          let h = try stepper.step(values[0].sliced(time..<(time + 1), axis: 1).reshaped([3, 2]))
          expectIdentical(h, whole.output.sliced(time..<(time + 1), axis: 1).reshaped([3, 4]))
        }
        for (found, wanted) in zip(stepper.states, whole.states) { expectIdentical(found, wanted) }
        stepper.reset()
      }
    }
  }
}

/// An LSTM in tensor operations.
private struct ComposedLSTM: ComposedCell {
  func stateWidths(units: Int) -> [Int] { [units, units] }
  func parameters(inputs: Int, units: Int) -> [CellParameter] {
    [
      CellParameter("kernel", [inputs, 4 * units]),
      CellParameter("recurrent_kernel", [units, 4 * units], .recurrentKernel),
      CellParameter("bias", [4 * units], .bias),
    ]
  }

  func step(_ x: Tensor, _ states: [Tensor], _ parameters: CellParameters) -> [Tensor] {
    let sums =
      parameters.product(x, "kernel") + parameters.product(states[0], "recurrent_kernel")
      + parameters["bias"]
    let gates = sums.split([4, 4, 4, 4], axis: 1)
    let c = gates[1].sigmoid() * states[1] + gates[0].sigmoid() * gates[2].tanh()
    return [gates[3].sigmoid() * c.tanh(), c]
  }
}
