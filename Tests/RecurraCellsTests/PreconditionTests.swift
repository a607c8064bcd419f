import RecurraCells
import RecurraTensor
import TestSupport
import Testing

@Suite("Mismatched arguments stop the program") struct PreconditionTests {
  /// What a programmer may get wrong; each differs from a sound call in one argument.
  enum Mistake: String, CaseIterable, Codable {
    case inputOfTwoAxes, integerInput, noTimestep, noDirection, weightsOfOtherInputs, weightsOfOtherType
    case unevenGates, biasOfOtherLength, biasOfOtherType, oneStateOfTwo, stateOfOtherBatch, tooFewLengths
    case lengthPastTheEnd, negativeLength, otherUnitsInSecondDirection, threeDirections, noUnit
  }

  @Test("Of a whole sequence", arguments: Mistake.allCases)
  func wholeSequence(mistake: Mistake) async {
    await #expect(processExitsWith: .failure) { [mistake] in PreconditionTests.commit(mistake) }
  }

  @Test("A sound call passes")
  func soundCall() { Self.commit(nil) }

  /// Runs an LSTM with B 2, T 3, I 4, H 5 and one mistake.
  private static func commit(_ mistake: Mistake?) {
    var input = Tensor.zeros([2, 3, 4])
    var weights = Tensor.zeros([9, 20])
    var bias = Tensor.zeros([20])
    var states = [Tensor.zeros([2, 5]), .zeros([2, 5])]
    var lengths = [3, 1]
    var others: [RecurrentDirection] = []
    switch mistake {
    case .inputOfTwoAxes: input = .zeros([3, 4])
    case .integerInput: input = .zeros([2, 3, 4], dtype: .int32)
    case .noTimestep: (input, lengths) = (.zeros([2, 0, 4]), [0, 0])
    case .weightsOfOtherInputs: weights = .zeros([10, 20])
    case .weightsOfOtherType: weights = .zeros([9, 20], dtype: .float64)
    case .unevenGates: weights = .zeros([9, 21])
    case .biasOfOtherLength: bias = .zeros([5])
    case .biasOfOtherType: bias = .zeros([20], dtype: .float64)
    case .oneStateOfTwo: states = [.zeros([2, 5])]
    case .stateOfOtherBatch: states[1] = .zeros([1, 5])
    case .tooFewLengths: lengths = [3]
    case .lengthPastTheEnd: lengths = [3, 4]
    case .negativeLength: lengths = [-1, 3]
    case .otherUnitsInSecondDirection: others = [RecurrentDirection(weights: .zeros([10, 24]), bias: nil)]
    case .threeDirections:
      others = [Tensor](repeating: weights, count: 2).map { RecurrentDirection(weights: $0, bias: nil) }
    case .noUnit: (weights, bias, states) = (.zeros([4, 0]), .zeros([0]), [.zeros([2, 0]), .zeros([2, 0])])
    case .noDirection, nil: break
    }
    let directions = [RecurrentDirection(weights: weights, bias: bias, initialStates: states)] + others
    _ = input.recurrent(
      LSTMCell(), mistake == .noDirection ? [] : directions, lengths: lengths, returnsSequences: true)
  }

  /// What a programmer may get wrong in streaming.
  enum StreamingMistake: String, CaseIterable, Codable {
    case weightsOfOtherInputs, weightsOfOtherType, biasOfOtherLength, oneStateOfTwo, stateOfOtherBatch
    case reversedDirection, noSequence, noUnit
  }

  @Test("Of the streaming step", arguments: StreamingMistake.allCases)
  func streaming(mistake: StreamingMistake) async {
    await #expect(processExitsWith: .failure) { [mistake] in PreconditionTests.stream(mistake) }
  }

  enum StepMistake: CaseIterable, Codable {
    case oneStateTooMany, narrowState, otherType
  }

  @Test("Of a composed cell's step", arguments: StepMistake.allCases)
  func composedStep(mistake: StepMistake) async {
    await #expect(processExitsWith: .failure) { [mistake] in PreconditionTests.compose(mistake) }
  }

  @Test("A sound composed step passes")
  func soundComposedStep() { Self.compose(nil) }

  private static func compose(_ mistake: StepMistake?) {
    let direction = RecurrentDirection(weights: .zeros([0, 5]), bias: nil)
    let cell = ZerosCell(
      shapes: mistake == .oneStateTooMany ? [[2, 5], [2, 5]] : mistake == .narrowState ? [[2, 4]] : [[2, 5]],
      dtype: mistake == .otherType ? .float64 : .float32)
    _ = Tensor.zeros([2, 3, 4]).recurrent(cell, [direction], returnsSequences: true)
  }

  @Test("A sound stream passes")
  func soundStream() { Self.stream(nil) }

  private static func stream(_ mistake: StreamingMistake?) {
    var (weights, bias, states) = (
      Tensor.zeros([9, 20]), Tensor.zeros([20]), [Tensor.zeros([2, 5]), .zeros([2, 5])]
    )
    switch mistake {
    case .weightsOfOtherInputs: weights = .zeros([10, 20])
    case .weightsOfOtherType: weights = .zeros([9, 20], dtype: .float64)
    case .biasOfOtherLength: bias = .zeros([5])
    case .oneStateOfTwo: states = [.zeros([2, 5])]
    case .stateOfOtherBatch: states[0] = .zeros([1, 5])
    case .noSequence: states = [.zeros([0, 5]), .zeros([0, 5])]
    case .noUnit: (weights, bias, states) = (.zeros([4, 0]), .zeros([0]), [.zeros([2, 0]), .zeros([2, 0])])
    case .reversedDirection, nil: break
    }
    let direction = RecurrentDirection(
      weights: weights, bias: bias, initialStates: states, isReversed: mistake == .reversedDirection)
    let batch = mistake == .noSequence ? 0 : 2
    _ = RecurrentStepper<Float>(LSTMCell(), direction, inputs: 4, batch: batch)
  }

  @Test("A step refuses what a stream brings in another shape or type, and goes on as if it had not come")
  func strayStep() throws {
    let weights = Tensor((0..<180).map { Float($0 % 7) / 7 - 0.4 }, shape: [9, 20])
    let input = Tensor((0..<8).map { Float($0) / 8 }, shape: [2, 4])
    func steps(strays: [Tensor]) throws -> [[Double]] {
      let stepper = RecurrentStepper<Float>(
        LSTMCell(), RecurrentDirection(weights: weights, bias: nil), inputs: 4, batch: 2)
      return try (0..<3).map { _ in
        for stray in strays {
          let error = #expect(throws: RecurraError.self) { _ = try stepper.step(stray) }
          #expect(error?.kind == .badData)
        }
        return try stepper.step(input).doubles
      }
    }
    let strays: [Tensor] = [
      .zeros([3, 4]), .zeros([2, 5]), .zeros([4]), .zeros([2, 4], dtype: .float64), .zeros([2, 4], dtype: .int32),
    ]
    #expect(try steps(strays: strays) == steps(strays: []))
  }
}

/// A cell whose step gives zeros of some shapes and a type.
private struct ZerosCell: ComposedCell {
  var shapes: [[Int]] = []
  var dtype = DType.float32
  func step(_ x: Tensor, _ states: [Tensor], _ parameters: CellParameters) -> [Tensor] {
    shapes.map { .zeros($0, dtype: dtype) }
  }
}
