import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// Training over long sequences, over sequences that begin anew, and with states that go on from batch to batch.
@Suite struct SequenceTrainingTests {
  private let x = Tensor.varied([8, 12, 3], seed: 3, dtype: .float32)
  private let y = Tensor.varied([8, 12, 2], seed: 4, dtype: .float32)

  private func trainer() throws -> Trainer {
    try Sequential(
      [
        LSTM(units: 5, returnSequences: true), Bidirectional(GRU(units: 4, returnSequences: true)), Dense(units: 2),
      ], seed: 3
    ).compile(loss: .meanSquaredError, optimizer: .sgd(learningRate: 0.1))
  }

  private func fitted(
    truncation: Int? = nil, recomputing: Bool = false, mask: SequenceMask? = nil
  ) throws -> [Tensor] {
    let trainer = try trainer()
    try trainer.fit(
      x, y, mask: mask, batchSize: 4, truncation: truncation, recomputing: recomputing, epochs: 2, verbose: .silent)
    return trainer.weights
  }

  @Test func aTruncationAsLongAsTheRowsIsNone() throws {
    let plain = try fitted()
    for (found, wanted) in zip(try fitted(truncation: 12), plain) { expectIdentical(found, wanted) }
    #expect(zip(try fitted(truncation: 5), plain).contains { $0.doubles != $1.doubles })
    #expect(throws: RecurraError.self) { try fitted(truncation: 0) }
  }

  @Test func whatIsComputedASecondTimeTrainsAlike() throws {
    for mask in [nil, SequenceMask.lengths([12, 3, 7, 0, 12, 1, 5, 9])] {
      let plain = try fitted(mask: mask)
      for (found, wanted) in zip(try fitted(recomputing: true, mask: mask), plain) {
        expectClose(found, wanted, relative: 1e-4, absolute: 1e-6)
      }
      let cut = try fitted(truncation: 5, mask: mask)
      for (found, wanted) in zip(try fitted(truncation: 5, recomputing: true, mask: mask), cut) {
        expectClose(found, wanted, relative: 1e-4, absolute: 1e-6)
      }
    }
  }

  @Test func aTruncatedStepIsThatOfItsPieces() throws {
    let model = Sequential([SimpleRNN(units: 3, returnSequences: true), Dense(units: 2)], seed: 1)
    let trainer = try model.compile(loss: .meanSquaredError, optimizer: .sgd(learningRate: 0.1))
    let whole = try trainer.gradients(x, y, unrolling: Unrolling(truncation: 4))
    // Each piece alone, from the states that the one before ended with.
    let (input, state) = (Input(shape: [nil, 3]), Input(shape: [3]))
    let outputs = SimpleRNN(units: 3, returnSequences: true, returnState: true)([input, state])
    let graph = try Model(inputs: [input, state], outputs: [Dense(units: 2)(outputs[0]), outputs[1]])
    try graph.build(inputShapes: [[nil, nil, 3], [nil, 3]], dtype: .float32)
    try graph.setWeights(model.weights)
    var (sum, states) = ([Tensor](), Tensor.zeros([8, 3]))
    for piece in [0..<4, 4..<8, 8..<12] {
      let context = ForwardContext(isRecording: true)
      let found = try graph.forward([Value(x.sliced(piece, axis: 1)), Value(states)], context)
      let difference = found[0].tensor - y.sliced(piece, axis: 1)
      let loss = (difference * difference).sum() * 0.5
      let gradients = loss.gradients(withRespectTo: graph.parameters.map { context.tensor($0) })
      sum = sum.isEmpty ? gradients : zip(sum, gradients).map { $0 + $1 }
      states = found[1].tensor.detached
    }
    let before = trainer.weights
    try trainer.update(whole)
    for (index, gradient) in sum.enumerated() {
      expectClose(
        trainer.weights[index], before[index] - gradient * (0.1 / 96), relative: 1e-4, absolute: 1e-6)
    }
  }

  @Test func aStatefulModelRunsBatchesInOrder() throws {
    let input = Input(shape: [nil, 3], batchSize: 2)
    let model = try Model(
      inputs: [input], outputs: [Dense(units: 2)(LSTM(units: 4, returnSequences: true, stateful: true)(input))])
    try model.build(inputShapes: [[2, nil, 3]], dtype: .float32)
    let plain = try Model(
      inputs: [input], outputs: [Dense(units: 2)(LSTM(units: 4, returnSequences: true)(input))])
    try plain.build(inputShapes: [[2, nil, 3]], dtype: .float32)
    try plain.setWeights(model.weights)
    // Rows 0, 2, 4, 6 go on one after the other, and so do 1, 3, 5, 7.
    func line(_ first: Int) -> Tensor {
      .concatenated(stride(from: first, to: 8, by: 2).map { x.sliced($0..<$0 + 1) }, axis: 1)
    }
    let wanted = try plain(.concatenated([line(0), line(1)]))
    let found = try model.predict(x)
    for row in 0..<8 {
      expectIdentical(found[row], wanted[row % 2].sliced(row / 2 * 12..<(row / 2 + 1) * 12))
    }
    model.reset()
    expectIdentical(try model.predict(x.sliced(0..<2)), found.sliced(0..<2))
    #expect(throws: RecurraError.self) { try model.predict(x.sliced(0..<3)) }
    model.reset()
    let trainer = try model.compile(loss: .meanSquaredError, optimizer: .sgd(learningRate: 0.1))
    try trainer.fit(x, y, shuffle: false, verbose: .silent)
    for size in [2, 4] {
      #expect(throws: RecurraError.self) { try trainer.fit(x, y, blockSize: size, verbose: .silent) }
    }
    #expect(throws: RecurraError.self) { try trainer.evaluate(x.sliced(0..<5), y.sliced(0..<5), verbose: .silent) }
  }

  @Test func initialStatesAreInputsOfFitAndPredict() throws {
    let (input, h, c) = (Input(shape: [nil, 3]), Input(shape: [4]), Input(shape: [4]))
    let model = try Model(inputs: [input, h, c], outputs: [Dense(units: 2)(LSTM(units: 4)(input, h, c))])
    let states = [Tensor.varied([8, 4], seed: 7, dtype: .float32), .varied([8, 4], seed: 8, dtype: .float32)]
    let trainer = try model.compile(loss: .meanSquaredError, optimizer: .adam(learningRate: 0.01))
    let target = Tensor.varied([8, 2], seed: 9, dtype: .float32)
    let masks: [SequenceMask] = [.lengths([12, 3, 7, 0, 12, 1, 5, 9]), .all, .all]
    let examples = Examples([x] + states, [target], masks: masks)
    let before = try trainer.evaluate(examples, verbose: .silent)
    let history = try trainer.fit(examples, epochs: 3, verbose: .silent)
    #expect(try #require(history["loss"]?.last) < (try #require(before["loss"])))
    let found = try model.predict([x] + states, masks: masks, batchSize: 3)[0]
    expectClose(
      found, try model.forward([Value(x, mask: masks[0])] + states.map { Value($0) }, ForwardContext())[0].tensor,
      relative: 1e-5, absolute: 1e-6)
    // A row without timesteps gives nothing out, whatever its state.
    expectIdentical(found[3], model.parameters[3].value)
  }

  @Test func rowsThatBeginAnewTrainAsTheirPieces() throws {
    let marks = (0..<8).map { row in (0..<12).map { ($0 + row) % 5 == 4 } }
    let trainer = try Sequential([LSTM(units: 4, returnSequences: true), Dense(units: 2)], seed: 3).compile(
      loss: .meanSquaredError, optimizer: .sgd(learningRate: 0.1))
    let whole = try trainer.gradients(x, y, mask: .all.withResets(marks))
    var pieces: [BatchGradients] = []
    for row in 0..<8 {
      let cuts = [0] + marks[row].indices.filter { $0 > 0 && marks[row][$0] } + [12]
      for (first, end) in zip(cuts, cuts.dropFirst()) {
        let (x, y) = (x.sliced(row..<row + 1), y.sliced(row..<row + 1))
        pieces.append(try trainer.gradients(x.sliced(first..<end, axis: 1), y.sliced(first..<end, axis: 1)))
      }
    }
    let before = trainer.weights
    try trainer.update(whole)
    let found = trainer.weights
    trainer.weights = before
    try trainer.update(.sum(pieces))
    for (found, wanted) in zip(found, trainer.weights) { expectClose(found, wanted, relative: 1e-5, absolute: 1e-6) }
  }
}
