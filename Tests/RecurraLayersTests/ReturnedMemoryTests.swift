import Foundation
import RecurraCells
import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// A layer that gives its memory out.
@Suite struct ReturnedMemoryTests {
  private let x = Tensor.varied([3, 5, 2], seed: 8, dtype: .float32)

  @Test func theMemoryStandsBehindTheOutputAndInFrontOfTheStates() throws {
    let layer = LSTM(units: 4, returnSequences: true, returnState: true, returnMemories: true)
    #expect(layer.outputCount == 4)
    #expect(try layer.outputShapes(for: [[nil, 5, 2]]) == [[nil, 5, 4], [nil, 5, 4], [nil, 4], [nil, 4]])
    let found = try layer([x])
    #expect(found.map(\.shape) == [[3, 5, 4], [3, 5, 4], [3, 4], [3, 4]])
    expectIdentical(found[1].sliced(4..<5, axis: 1).reshaped([3, 4]), found[3])
    expectIdentical(try layer(x.sliced(0..<2, axis: 1)), found[0].sliced(0..<2, axis: 1))
    let masked = try layer([x], masks: [.lengths([5, 2, 0])])
    #expect(masked[1][1].sliced(2..<5).doubles.allSatisfy { $0 == 0 })
    expectIdentical(masked[1][1].sliced(0..<2), found[1][1].sliced(0..<2))

    let backwards = LSTM(units: 4, returnSequences: true, returnMemories: true, goBackwards: true)
    try backwards.build(inputShape: [nil, nil, 2], random: RandomSource(seed: 0), dtype: .float32)
    let turned = try backwards([x])
    let last = LSTM(units: 4, returnState: true, goBackwards: true)
    try last.build(inputShape: [nil, nil, 2], random: RandomSource(seed: 0), dtype: .float32)
    expectIdentical(turned[1].sliced(4..<5, axis: 1).reshaped([3, 4]), try last([x])[2])
  }

  @Test func aGraphReadsTheMemory() throws {
    let input = Input(shape: [nil, 2])
    let values = LSTM(units: 4, returnSequences: true, returnMemories: true)([input])
    let model = try Model(inputs: [input], outputs: [Dense(units: 1)(values[1])])
    #expect(try model(x).shape == [3, 5, 1])
    let path = FileManager.default.temporaryDirectory.appending(path: "recurra-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try model.save(to: path)
    expectIdentical(try Model.load(from: path)(x), try model(x))
  }

  @Test func nothingElseHasOne() throws {
    for layer in [
      LSTM(units: 4, returnMemories: true) as any Layer,
      Recurrent(GRUCell(), units: 4, returnSequences: true, returnMemories: true),
      Bidirectional(LSTM(units: 4, returnSequences: true, returnMemories: true)),
    ] {
      #expect(throws: RecurraError.self) { try layer(x) }
    }
  }
}
