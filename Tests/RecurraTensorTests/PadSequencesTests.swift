import RecurraTensor
import TestSupport
import Testing

/// Values of Keras' `pad_sequences([[1, 2, 3, 4], [5], [], [6, 7]])` with every pair of ends.
@Suite struct PadSequencesTests {
  private let lists = [[1, 2, 3, 4], [5], [], [6, 7]]

  private func expectPadded(
    _ rows: [[Double]], _ lengths: [Int], at location: SourceLocation = #_sourceLocation,
    _ padded: (values: Tensor, lengths: [Int])
  ) {
    #expect(padded.values.shape == [rows.count, rows[0].count], sourceLocation: location)
    #expect(padded.values.doubles == rows.flatMap { $0 }, sourceLocation: location)
    #expect(padded.lengths == lengths, sourceLocation: location)
  }

  @Test("Lists grow to the longest, behind unless said otherwise; lengths count what each row kept")
  func padding() throws {
    let padded = try Tensor.padSequences(lists)
    #expect(padded.values.dtype == .int32)
    expectPadded([[1, 2, 3, 4], [5, 0, 0, 0], [0, 0, 0, 0], [6, 7, 0, 0]], [4, 1, 0, 2], padded)
    expectPadded(
      [[1, 2, 3, 4], [5, -1, -1, -1], [-1, -1, -1, -1], [6, 7, -1, -1]], [4, 1, 0, 2],
      try Tensor.padSequences(lists, value: -1))
    expectPadded(
      [[1, 2, 3, 4, 0], [5, 0, 0, 0, 0], [0, 0, 0, 0, 0], [6, 7, 0, 0, 0]], [4, 1, 0, 2],
      try Tensor.padSequences(lists, maxLength: 5))
  }

  @Test("Padding in front as Keras by default; layers then read every timestep, so the lengths are full")
  func paddingInFront() throws {
    expectPadded(
      [[1, 2, 3, 4], [0, 0, 0, 5], [0, 0, 0, 0], [0, 0, 6, 7]], [4, 4, 4, 4],
      try Tensor.padSequences(lists, padding: .pre))
  }

  @Test("Longer lists lose their first elements, or their last ones when asked")
  func truncation() throws {
    expectPadded(
      [[2, 3, 4], [5, 0, 0], [0, 0, 0], [6, 7, 0]], [3, 1, 0, 2], try Tensor.padSequences(lists, maxLength: 3))
    expectPadded(
      [[1, 2, 3], [5, 0, 0], [0, 0, 0], [6, 7, 0]], [3, 1, 0, 2],
      try Tensor.padSequences(lists, maxLength: 3, truncating: .post))
    expectPadded(
      [[4], [5], [9], [7]], [1, 1, 1, 1], try Tensor.padSequences(lists, maxLength: 1, padding: .pre, value: 9))
  }

  @Test("Other numbers keep their fractions in a floating type")
  func types() throws {
    let floats = try Tensor.padSequences([[0.5], [1, 2.5]], dtype: .float32, value: -0.5)
    #expect(floats.values.dtype == .float32 && floats.values.doubles == [0.5, -0.5, 1, 2.5])
    let doubles = try Tensor.padSequences([[true], [false, true]], dtype: .float64)
    #expect(doubles.values.dtype == .float64 && doubles.values.doubles == [1, 0, 0, 1])
    #expect(try Tensor.padSequences([[Int](), []]).values.shape == [2, 0])
  }

  @Test("What does not fit is refused with its place; a part that is cut off is never looked at")
  func refusals() throws {
    func message(_ body: () throws -> Void) -> String? {
      (#expect(throws: RecurraError.self) { try body() })?.description
    }
    #expect(
      message { _ = try Tensor.padSequences([[1], [2, 1 << 40]]) }
        == "padSequences: expected whole numbers within int32, got 1099511627776 at index 1 of sequence 1")
    #expect(
      message { _ = try Tensor.padSequences([[1], [0.5]]) }
        == "padSequences: expected whole numbers within int32, got 0.5 at index 0 of sequence 1")
    #expect(
      message { _ = try Tensor.padSequences([[6, 7], [0.5, 1, 2, 1.5]], maxLength: 2) }
        == "padSequences: expected whole numbers within int32, got 1.5 at index 3 of sequence 1")
    #expect(try Tensor.padSequences([[1], [1 << 40, 2]], maxLength: 1).values.doubles == [1, 2])
    #expect(
      message { _ = try Tensor.padSequences([[Int]]()) } == "padSequences: expected at least one sequence, got none")
    #expect(
      message { _ = try Tensor.padSequences([[1]], maxLength: 0) }
        == "padSequences: expected a maxLength of 1 or more, got 0")
    #expect(
      message { _ = try Tensor.padSequences([[1]], value: 0.5) }
        == "padSequences: expected a value that int32 holds, got 0.5")
    #expect(
      message { _ = try Tensor.padSequences([[1.5]], dtype: .float32, value: 1e39) }
        == "padSequences: expected a value that float32 holds, got 1e+39")
    #expect(
      message { _ = try Tensor.padSequences([[1]], maxLength: .max) }
        == "padSequences: expected a number of bytes that fits in Int, got shape [1, \(Int.max)]")
  }

  @Test("Sequences of vectors are padded as lists are, at both ends")
  func vectors() throws {
    let sequences = [Tensor.varied([4, 2], seed: 1), .varied([1, 2], seed: 2), .varied([2, 2], seed: 3)]
    for padding in SequenceEnd.allCases {
      for truncating in SequenceEnd.allCases {
        for maxLength in [nil, 3, 5] {
          let padded = try Tensor.padSequences(
            sequences, maxLength: maxLength, padding: padding, truncating: truncating, value: 7)
          for feature in 0..<2 {
            let lists = sequences.map { $0.sliced(feature..<(feature + 1), axis: 1).doubles }
            let wanted = try Tensor.padSequences(
              lists, maxLength: maxLength, dtype: .float64, padding: padding, truncating: truncating, value: 7)
            let got = padded.values.sliced(feature..<(feature + 1), axis: 2).squeezed(2)
            expectIdentical(got, wanted.values, "\(padding) \(truncating) \(maxLength ?? 0)")
            #expect(padded.lengths == wanted.lengths)
          }
        }
      }
    }
    #expect(try Tensor.padSequences([Tensor.zeros([3]), .zeros([5])]).values.shape == [2, 5])
    let ids = try Tensor.padSequences([Tensor([Int32(1), 2]), Tensor([Int32(3)])])
    #expect(ids.values.scalars(as: Int32.self) == [1, 2, 3, 0])
  }

  @Test("Sequences that differ in more than their length are refused")
  func differentVectors() {
    func message(_ sequences: [Tensor], value: Double = 0) -> String? {
      (#expect(throws: RecurraError.self) { try Tensor.padSequences(sequences, value: value) })?.description
    }
    #expect(
      message([.zeros([3, 2]), .zeros([3, 4])])
        == "padSequences: expected sequences of float32 [T, 2], as sequence 0, got float32 [3, 4] in sequence 1")
    #expect(
      message([.zeros([3, 2]), .zeros([3, 2]), .zeros([3])])
        == "padSequences: expected sequences of float32 [T, 2], as sequence 0, got float32 [3] in sequence 2")
    #expect(
      message([.zeros([3, 2]), .zeros([3, 2], dtype: .float64)])
        == "padSequences: expected sequences of float32 [T, 2], as sequence 0, got float64 [3, 2] in sequence 1")
    #expect(message([]) == "padSequences: expected at least one sequence, with an axis of timesteps, got none")
    #expect(message([.zeros([])])?.hasSuffix("got shape []") == true)
    #expect(
      message([.zeros([2], dtype: .int32)], value: 0.5) == "padSequences: expected a value that int32 holds, got 0.5")
    #expect(message([.zeros([2])], value: 1e39) == "padSequences: expected a value that float32 holds, got 1e+39")
  }
}
