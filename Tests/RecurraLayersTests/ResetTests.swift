import Foundation
import RecurraCells
import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// Rows that begin anew, in layers: each row equals its pieces run apart.
@Suite struct ResetTests {
  private let x = Tensor.varied([2, 6, 3], seed: 8, dtype: .float32)
  private let marks = [[false, false, true, false, true, false], [false, false, false, true, false, false]]
  private var mask: SequenceMask { get throws { try SequenceMask.all.withResets(marks) } }

  /// The timesteps of each row's pieces.
  private let pieces = [[0..<2, 2..<4, 4..<6], [0..<3, 3..<6]]

  static func layers(returnsSequences: Bool) -> [any Layer] {
    let both: [any Layer] = [
      Bidirectional(LSTM(units: 4, returnSequences: returnsSequences)),
      Bidirectional([GRU(units: 4), GRU(units: 3, returnSequences: returnsSequences)], merge: .sum),
      Bidirectional(
        GRU(units: 4, returnSequences: returnsSequences), merge: .average,
        backwardLayer: LSTM(units: 4, returnSequences: returnsSequences, goBackwards: true)),
      RNN([LSTM(units: 4), GRU(units: 4, returnSequences: returnsSequences)], residual: true),
    ]
    let single: [any Layer] = [
      LSTM(units: 4, returnSequences: returnsSequences), SimpleRNN(units: 4, returnSequences: returnsSequences),
      LSTM(units: 4, returnSequences: returnsSequences, learnsInitialState: true),
      Recurrent(SlowCell(rate: 0.25), units: 4, returnSequences: returnsSequences),
      MinGRU(units: 4, returnSequences: returnsSequences),
    ]
    return single + both
  }

  @Test func aRowIsItsPieces() throws {
    for layer in Self.layers(returnsSequences: true) {
      try layer.build(inputShape: [nil, nil, 3], random: RandomSource(seed: 2), dtype: .float32)
      for parameter in layer.parameters where parameter.name.hasPrefix("initial_state") {
        parameter.value = .varied(parameter.shape, seed: 5, dtype: .float32)
      }
      let found = try layer(x, mask: mask)
      for (row, pieces) in pieces.enumerated() {
        for piece in pieces {
          let own = x.sliced(row..<row + 1).sliced(piece, axis: 1)
          expectIdentical(try layer(own)[0], found[row].sliced(piece), "\(layer) row \(row), \(piece)")
        }
      }
    }
  }

  @Test func theLastOutputIsThatOfThePieceRunLast() throws {
    for layer in Self.layers(returnsSequences: false) {
      try layer.build(inputShape: [nil, nil, 3], random: RandomSource(seed: 2), dtype: .float32)
      let found = try layer(x, mask: mask)
      guard !(layer is Bidirectional) else {
        // Forward it is the last piece, back the first.
        if (layer as? Bidirectional)?.merge == .concat {
          let (first, last) = (x.sliced(0..<2, axis: 1), x.sliced(4..<6, axis: 1))
          expectIdentical(try layer(last)[0].sliced(0..<4), found[0].sliced(0..<4))
          expectIdentical(try layer(first)[0].sliced(4..<8), found[0].sliced(4..<8))
        }
        continue
      }
      expectIdentical(try layer(x.sliced(4..<6, axis: 1))[0], found[0], "\(layer)")
      expectIdentical(try layer(x.sliced(3..<6, axis: 1))[1], found[1], "\(layer)")
    }
  }

  @Test func aRowMayGoBackToWhatTheLayerBeginsWithAndNotToWhatItWasGiven() throws {
    let layer = LSTM(units: 4, returnSequences: true, returnState: true, learnsInitialState: true)
    try layer.build(inputShape: [nil, nil, 3], random: RandomSource(seed: 2), dtype: .float32)
    for (index, parameter) in layer.parameters.suffix(2).enumerated() {
      #expect(parameter.name == "initial_state_\(index)")
      parameter.value = .varied([4], seed: 50 + index, dtype: .float32)
    }
    let given = [Tensor.varied([2, 4], seed: 1, dtype: .float32), .varied([2, 4], seed: 2, dtype: .float32)]
    func run(_ x: Tensor, _ mask: SequenceMask, _ states: [Tensor]) throws -> [Tensor] {
      try layer.forward([Value(x, mask: mask)] + states.map { Value($0) }, ForwardContext()).map(\.tensor)
    }
    let initial = try run(x, mask, given)
    let own = try run(x, .all.withResets(marks, to: .own), given)
    let anew = try run(x, .all.withResets([[true] + marks[0].dropFirst(), marks[1]], to: .own), given)
    for (row, pieces) in pieces.enumerated() {
      let states = given.map { $0.sliced(row..<row + 1) }
      for (index, piece) in pieces.enumerated() {
        let x = x.sliced(row..<row + 1).sliced(piece, axis: 1)
        expectIdentical(try run(x, .all, states)[0][0], initial[0][row].sliced(piece))
        expectIdentical(try run(x, .all, index == 0 ? states : [])[0][0], own[0][row].sliced(piece))
        let isGiven = index == 0 && row == 1
        expectIdentical(try run(x, .all, isGiven ? states : [])[0][0], anew[0][row].sliced(piece))
        if index == pieces.count - 1 {
          for state in 1...2 { expectIdentical(try run(x, .all, [])[state][0], own[state][row]) }
        }
      }
    }
  }

  @Test func marksAreCheckedAndMoveWithTheirTimesteps() throws {
    #expect(throws: RecurraError.self) { try SequenceMask.all.withResets([[true, false], [true]]) }
    #expect(throws: RecurraError.self) { try SequenceMask.all.withResets(Tensor([0, 2] as [Float], shape: [1, 2])) }
    let layer = LSTM(units: 2)
    #expect(throws: RecurraError.self) { try layer(x, mask: .all.withResets([[true, false]])) }
    #expect(try SequenceMask.all.withResets([[false, false]]) == .all)
    let moved = try ZeroPadding1D(padding: [2, 0]).forward([Value(x, mask: mask)], ForwardContext())[0].mask
    let later = marks.map { [false, false] + $0 }
    #expect(try moved == SequenceMask.all.withResets(later))
    #expect(try mask.rows([1]) == SequenceMask.all.withResets([marks[1]]))
    #expect(try mask.prefix(4) == SequenceMask.all.withResets(marks.map { Array($0.prefix(4)) }))
    let twice = try mask.intersection(.all.withResets([marks[1], marks[1]]))
    #expect(
      try twice == SequenceMask.all.withResets([[false, false, true, true, true, false], marks[1]]))
  }

  @Test func turnedRowsBeginAnewWhereTheirPiecesMeet() throws {
    let stack = Sequential(seed: 2) {
      GRU(units: 3, returnSequences: true, goBackwards: true)
      LSTM(units: 4, returnSequences: true)
    }
    try stack.build(inputShape: [nil, nil, 3])
    let found = try stack(x, mask: mask)
    for (row, pieces) in pieces.enumerated() {
      for piece in pieces {
        let own = try stack(x.sliced(row..<row + 1).sliced(piece, axis: 1))[0]
        expectIdentical(own, found[row].sliced(6 - piece.upperBound..<6 - piece.lowerBound))
      }
    }
  }

  @Test func lookedUpRowsBeginAnewToo() throws {
    let model = Sequential(seed: 4) {
      Embedding(inputDim: 5, outputDim: 3)
      LSTM(units: 4, returnSequences: true)
    }
    let ids = Tensor([1, 2, 3, 4, 0, 1, 2, 2, 1, 3, 4, 4] as [Int32], shape: [2, 6])
    let found = try model(ids, mask: mask)
    for (row, pieces) in pieces.enumerated() {
      for piece in pieces {
        expectIdentical(try model(ids.sliced(row..<row + 1).sliced(piece, axis: 1))[0], found[row].sliced(piece))
      }
    }
  }
}
