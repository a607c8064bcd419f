import RecurraCells
import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

extension EngineSettings {
  @Suite("Values of ONNX Runtime") struct ONNXReference {
    private static func double(_ value: JSONValue?) -> Double? {
      switch value {
      case .number(let number)?: number
      case .integer(let integer)?: Double(integer)
      default: nil
      }
    }

    private static func names(_ test: Fixture.Case) -> [String] {
      guard case .array(let names)? = test.arguments?["activations"] else { return [] }
      return names.compactMap { if case .string(let name) = $0 { name } else { nil } }
    }

    private static func number(_ test: Fixture.Case, _ name: String, _ index: Int) -> Double {
      guard case .array(let numbers)? = test.arguments?[name] else { return 0 }
      return double(numbers[index]) ?? 0
    }

    /// The functions by ONNX' names and numbers.
    private static func functions(_ test: Fixture.Case) throws -> [Activation] {
      try names(test).enumerated().map { index, name in
        let (alpha, beta) = (number(test, "activation_alpha", index), number(test, "activation_beta", index))
        switch name {
        case "Sigmoid": return .sigmoid
        case "Tanh": return .tanh
        case "Softsign": return .softsign
        case "Softplus": return .softplus
        case "HardSigmoid": return .clippedLine(alpha: alpha, beta: beta)
        case "ScaledTanh": return .scaledTanh(alpha: alpha, beta: beta)
        case "Affine": return .affine(alpha: alpha, beta: beta)
        case "LeakyRelu": return .leakyRelu(negativeSlope: alpha)
        case "Elu": return .scaledElu(alpha: alpha)
        case "ThresholdedRelu": return .threshold(alpha, value: 0)
        default: return try #require(nil, "\(name)")
        }
      }
    }

    /// The cell of an operator, and the gates that it takes of ONNX' in their order.
    private static func cell(_ test: Fixture.Case) throws -> (cell: any GatedCell, gates: [Int]) {
      let functions = try functions(test)
      let clip = double(test.arguments?["clip"])
      switch test.arguments?["operator"] {
      case .string("LSTM"):
        // i o f c.
        let isCoupled = double(test.arguments?["input_forget"]) == 1
        let cell = LSTMCell(
          activation: functions.count > 1 ? functions[1] : .tanh,
          recurrentActivation: functions.first ?? .sigmoid,
          outputActivation: functions.count > 2 ? functions[2] : nil, usePeepholes: test["P"] != nil,
          coupleGates: isCoupled, clip: clip)
        return (cell, isCoupled ? [0, 3, 1] : [0, 2, 3, 1])
      case .string("GRU"):
        let cell = GRUCell(
          activation: functions.count > 1 ? functions[1] : .tanh,
          recurrentActivation: functions.first ?? .sigmoid,
          resetAfter: double(test.arguments?["linear_before_reset"]) == 1, clip: clip)
        return (cell, [0, 1, 2])
      default: return (SimpleRNNCell(activation: functions.first ?? .tanh, clip: clip), [0])
      }
    }

    @Test("Clip, coupled gates, peepholes, functions with numbers", arguments: EngineSettings.multipliers)
    func operators(multiplier: MultiplierChoice) throws {
      let file = try Fixture("onnx_cells")
      #expect(file.cases.count == 13)
      for test in file.cases {
        let (cell, gates) = try Self.cell(test)
        let units = try test.required("R").shape[2]
        func rows(_ matrix: Tensor) -> Tensor {
          .concatenated(gates.map { matrix.sliced($0 * units..<($0 + 1) * units) })
        }
        let weights = try ["W", "R"].map { rows(try test.required($0)[0]).transposed() }
        let biases = try test.required("B")[0].reshaped([2, -1])
        let own = [rows(biases[0]), rows(biases[1])]
        let bias = cell.biasShape(units: units).count == 2 ? Tensor.stacked(own) : own[0] + own[1]
        // i o f.
        let peepholes = try test["P"].map { all in
          try #require(cell as? LSTMCell).coupleGates
            ? [0, 1].map { all[0].sliced($0 * units..<($0 + 1) * units) }
            : [0, 2, 1].map { all[0].sliced($0 * units..<($0 + 1) * units) }
        }
        let states = ["initial_h", "initial_c"].compactMap { test[$0].map { $0[0] } }
        let direction = RecurrentDirection(
          weights: .concatenated(weights), bias: bias, parameters: peepholes ?? [], initialStates: states)
        let lengths = try test.required("sequence_lens").scalars(as: Int32.self).map { Int($0) }
        let found = try EngineSettings.with(multiplier) {
          try test.required("X").transposed(0, 1).recurrent(
            cell, [direction], lengths: lengths, returnsSequences: true, padding: .zero)
        }
        expectClose(
          found.output.transposed(0, 1), try test.required("Y").reshaped([6, 3, units]), relative: Tolerance.peers,
          absolute: 1e-6, toLargest: true, "\(test.name) Y")
        for (state, name) in zip(found.states, ["Y_h", "Y_c"]) {
          expectClose(
            state, try test.required(name)[0], relative: Tolerance.peers, absolute: 1e-6, toLargest: true,
            "\(test.name) \(name)")
        }
      }
    }
  }
}
