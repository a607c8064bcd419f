import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// Which timesteps count, whoever says so.
@Suite struct SequenceMaskTests {
  private let holes: [[Bool]] = [[true, false, true, false], [false, false, true, true], [true, true, true, false]]

  @Test func theSimplestFormIsTaken() throws {
    #expect(try SequenceMask(steps: [[true, true], [true, true]]) == .all)
    let padded = try SequenceMask(steps: [[true, false], [false, false], [true, true]])
    #expect(padded.lengths == [1, 0, 2] && !padded.hasHoles && !padded.hasLengths)
    let mask = try SequenceMask(steps: holes)
    #expect(mask.hasHoles && !mask.isAll && mask.lengths == [3, 4, 3])
    #expect(SequenceMask.all.lengths == nil && SequenceMask.all.isAll && !SequenceMask.lengths([1]).hasHoles)
    // One row alone need have a hole.
    #expect(try SequenceMask(steps: [[true, true], [false, true]]).hasHoles)
  }

  @Test func everyTimestepIsTold() throws {
    let mask = try SequenceMask(steps: holes)
    for (row, steps) in holes.enumerated() {
      for (timestep, isValid) in steps.enumerated() {
        #expect(mask.isValid(row: row, timestep: timestep) == isValid)
      }
    }
    #expect(SequenceMask.lengths([2]).isValid(row: 0, timestep: 1))
    #expect(!SequenceMask.lengths([2]).isValid(row: 0, timestep: 2))
  }

  @Test func numbersSayTheSame() throws {
    let mask = try SequenceMask(steps: holes)
    let numbers = mask.tensor(rows: 3, timesteps: 4)
    #expect(numbers.doubles == [1, 0, 1, 0, 0, 0, 1, 1, 1, 1, 1, 0] && numbers.dtype == .float32)
    for dtype in [DType.float32, .float64, .int32] {
      #expect(try SequenceMask(steps: numbers.converted(to: dtype)) == mask)
    }
    #expect(SequenceMask.lengths([1, 3]).tensor(rows: 2, timesteps: 3).doubles == [1, 0, 0, 1, 1, 1])
    #expect(SequenceMask.lengths([5, -1]).tensor(rows: 2, timesteps: 2).doubles == [1, 1, 0, 0])
    #expect(SequenceMask.all.tensor(rows: 1, timesteps: 2, dtype: .int32).doubles == [1, 1])
  }

  @Test func whatIsNoMaskIsRefused() throws {
    func expect(_ message: String, _ body: () throws -> SequenceMask) {
      let error = #expect(throws: RecurraError.self) { _ = try body() }
      #expect(error?.description == message && error?.kind == .badData)
    }
    expect("mask: expected 2 timesteps in every row, got 1 in row 1") {
      try SequenceMask(steps: [[true, false], [true]])
    }
    expect("mask: expected a mask [B, T], got shape [3]") { try SequenceMask(steps: Tensor([1, 0, 1])) }
    expect("mask: expected 0 or 1, got 2.0") { try SequenceMask(steps: Tensor([1, 2] as [Float], shape: [1, 2])) }
    expect("mask: expected 0 or 1, got nan") { try SequenceMask(steps: Tensor([1, .nan] as [Float], shape: [1, 2])) }
    expect("mask: expected 3 rows, got 2") { try SequenceMask.lengths([1, 1, 1]).intersection(.lengths([1, 2])) }
    let mask = try SequenceMask(steps: holes)
    expect("mask: expected 3 lengths in 0...4, got a length of 5") { try mask.intersection(.lengths([5, 1, 1])) }
    expect("mask: expected a mask [3, 4], got [1, 4]") {
      try mask.intersection(SequenceMask(steps: [[true, false, true, true]]))
    }
  }

  @Test func whatCountsInBoth() throws {
    let mask = try SequenceMask(steps: holes)
    #expect(try mask.intersection(.all) == mask)
    #expect(try SequenceMask.all.intersection(mask) == mask)
    #expect(try SequenceMask.lengths([3, 1]).intersection(.lengths([2, 4])) == .lengths([2, 1]))
    let wanted = try SequenceMask(
      steps: [[true, false, true, false], [false, false, true, false], [true, false, false, false]])
    for both in [try mask.intersection(.lengths([3, 3, 1])), try SequenceMask.lengths([3, 3, 1]).intersection(mask)] {
      expectIdentical(both.tensor(rows: 3, timesteps: 4), wanted.tensor(rows: 3, timesteps: 4))
      #expect(both.withoutSteps == .lengths([3, 3, 1]) && both.hasLengths && both != wanted)
    }
  }

  @Test func lengthsAreKeptBesideSteps() throws {
    let padded = try SequenceMask(steps: [[true, true, false], [true, false, false]])
    #expect(padded != .lengths([2, 1]) && padded.withoutSteps == .all)
    #expect(SequenceMask.lengths([2, 1]).withoutSteps == .lengths([2, 1]) && SequenceMask.all.withoutSteps == .all)
    let both = try padded.intersection(.lengths([1, 3]))
    #expect(both.lengths == [1, 1] && both.withoutSteps == .lengths([1, 3]))
    #expect(both.rows([1]).withoutSteps == .lengths([3]) && both.prefix(2).withoutSteps == .lengths([1, 2]))
    let holes = try SequenceMask(steps: [[true, false, true], [false, true, true]]).intersection(.lengths([3, 2]))
    #expect(holes.hasHoles && holes.lengths == [3, 2])
    #expect(holes.rows([1, 0]).withoutSteps == .lengths([2, 3]) && holes.prefix(1).withoutSteps == .lengths([1, 1]))
    // Lengths of both sides alone are lengths of what counts on either.
    #expect(try SequenceMask.lengths([1, 3]).union(.lengths([2, 1])) == .lengths([2, 3]))
    #expect(try padded.union(.lengths([1, 3])).withoutSteps == .all)
    #expect(try padded.union(.lengths([1, 3])).lengths == [2, 3])
    #expect(try both.union(.lengths([2, 2])).withoutSteps == .lengths([2, 3]))
  }

  /// A mask of which all counts, or that is padded behind, is for its own rows and timesteps as any other.
  @Test func aSimpleMaskKeepsItsShape() throws {
    let x = Tensor.varied([2, 6, 3], dtype: .float32)
    for step in [true, false] {
      let mask = try SequenceMask(steps: [[true, true, true, true, step], [true, true, true, true, step]])
      for layer in [LSTM(units: 2) as any Layer, Dense(units: 2)] {
        let error = #expect(throws: RecurraError.self) { try layer(x, mask: mask) }
        #expect(error?.expected == "a mask [2, 6]" && error?.got == "[2, 5]" && error?.kind == .badData)
      }
      #expect(throws: RecurraError.self) { try LSTM(units: 2)(x, mask: mask.rows([0])) }
      #expect(throws: RecurraError.self) { try Dense(units: 2)([x], masks: [mask.prefix(4)]) }
      _ = try LSTM(units: 2)(x.sliced(0..<3, axis: 1), mask: mask.prefix(3))
      _ = try LSTM(units: 2)(x.sliced(0..<5, axis: 1), mask: mask)
      let six = try SequenceMask(steps: [[Bool](repeating: true, count: 6), [Bool](repeating: step, count: 6)])
      #expect(throws: RecurraError.self) { try mask.intersection(six) }
      #expect(throws: RecurraError.self) { try six.union(mask) }
    }
  }

  @Test func partsOfAMask() throws {
    let mask = try SequenceMask(steps: holes)
    #expect(try mask.rows([2, 0]) == SequenceMask(steps: [holes[2], holes[0]]))
    #expect(try mask.rows([2]) == SequenceMask(steps: [holes[2]]))
    #expect(SequenceMask.lengths([4, 5, 6]).rows([2, 1]) == .lengths([6, 5]))
    #expect(try mask.prefix(3) == SequenceMask(steps: holes.map { Array($0.prefix(3)) }))
    #expect(SequenceMask.lengths([4, 1]).prefix(2) == .lengths([2, 1]))
    #expect(SequenceMask.all.prefix(2) == .all && SequenceMask.all.rows([0]) == .all)
  }
}
