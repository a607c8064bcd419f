import RecurraTensor
import TestSupport
import Testing

/// Numbers from outside become tensors or typed errors; the process lives.
@Suite struct ValidationTests {
  /// Expects `badData` with these texts.
  private func expectRefusal(
    expected: String, got: String, at location: SourceLocation = #_sourceLocation, from body: () throws -> Void
  ) {
    let error = #expect(throws: RecurraError.self, sourceLocation: location) { try body() }
    #expect(
      error == RecurraError(.badData, operation: "Tensor", expected: expected, got: got), sourceLocation: location)
  }

  @Test("Lists of one, two and three levels have the shape they look like, float32 by default")
  func shapes() throws {
    let vector = try Tensor(validating: [1.5, -2])
    #expect(vector.shape == [2] && vector.dtype == .float32 && vector.doubles == [1.5, -2])
    let matrix = try Tensor(validating: [[1, 2, 3], [4, 5, 6]])
    #expect(matrix.shape == [2, 3] && matrix.dtype == .float32 && matrix.doubles == [1, 2, 3, 4, 5, 6])
    let sequences = try Tensor(validating: [[[1, 2, 3], [4, 5, 6]], [[7, 8, 9], [10, 11, 12]]], dtype: .float64)
    #expect(sequences.shape == [2, 2, 3] && sequences.dtype == .float64)
    #expect(sequences.doubles == (1...12).map(Double.init))
    let flat = try Tensor(validating: [1, 2, 3, 4, 5, 6], shape: [3, 1, 2], dtype: .int32)
    #expect(flat.shape == [3, 1, 2] && flat.scalars(as: Int32.self) == [1, 2, 3, 4, 5, 6])
    #expect(try Tensor(validating: [7], shape: []).shape == [])
  }

  @Test("No numbers at all still have a shape")
  func empty() throws {
    #expect(try Tensor(validating: [Int]()).shape == [0])
    #expect(try Tensor(validating: [[Double]]()).shape == [0, 0])
    #expect(try Tensor(validating: [[Double](), []]).shape == [2, 0])
    #expect(try Tensor(validating: [[[Float]]]()).shape == [0, 0, 0])
    #expect(try Tensor(validating: [[[Float]](), []]).shape == [2, 0, 0])
    #expect(try Tensor(validating: [[[Float](), [], []]]).shape == [1, 3, 0])
    #expect(try Tensor(validating: [Int](), shape: [3, 0, 2]).shape == [3, 0, 2])
  }

  @Test("Rows of different lengths are refused, naming the first that differs")
  func ragged() {
    let rows = "rows of 2 numbers each, as the first (padSequences pads shorter ones)"
    expectRefusal(expected: rows, got: "1 in row 1") { _ = try Tensor(validating: [[1, 2], [3], [4, 5, 6]]) }
    expectRefusal(expected: rows, got: "3 in row 2") { _ = try Tensor(validating: [[1, 2], [3, 4], [4, 5, 6]]) }
    expectRefusal(expected: rows, got: "0 in row 1") { _ = try Tensor(validating: [[1, 2], []]) }
    expectRefusal(expected: rows, got: "1 in timestep 0 of sequence 1") {
      _ = try Tensor(validating: [[[1, 2], [3, 4]], [[5], [6, 7]]])
    }
    expectRefusal(
      expected: "sequences of 2 timesteps each, as sequence 0 (padSequences pads shorter ones)",
      got: "1 in sequence 1"
    ) { _ = try Tensor(validating: [[[1, 2], [3, 4]], [[5, 6]]]) }
    expectRefusal(
      expected: "sequences of 0 timesteps each, as sequence 0 (padSequences pads shorter ones)",
      got: "2 in sequence 1"
    ) { _ = try Tensor(validating: [[], [[5, 6], [7, 8]]]) }
    expectRefusal(
      expected: "rows of 0 numbers each, as the first (padSequences pads shorter ones)", got: "1 in row 1"
    ) { _ = try Tensor(validating: [[], [1]]) }
  }

  @Test("Shapes that do not hold the numbers, are negative or overflow, also behind or in front of a 0")
  func wrongShapes() {
    expectRefusal(expected: "6 numbers for shape [2, 3]", got: "5") {
      _ = try Tensor(validating: [1, 2, 3, 4, 5], shape: [2, 3])
    }
    expectRefusal(expected: "6 numbers for shape [2, 3]", got: "7") {
      _ = try Tensor(validating: [1, 2, 3, 4, 5, 6, 7], shape: [2, 3])
    }
    expectRefusal(expected: "0 numbers for shape [2, 0]", got: "1") { _ = try Tensor(validating: [1], shape: [2, 0]) }
    expectRefusal(expected: "extents of 0 or more", got: "shape [-2, -3]") {
      _ = try Tensor(validating: [1, 2, 3, 4, 5, 6], shape: [-2, -3])
    }
    expectRefusal(expected: "extents of 0 or more", got: "shape [0, \(Int.min)]") {
      _ = try Tensor(validating: [Int](), shape: [0, .min])
    }
    let half = 1 << 32
    for shape in [[half, half], [0, half, half], [half, half, 0], [half, 0, half], [.max, 1, 0, 2]] {
      expectRefusal(expected: "a number of bytes that fits in Int", got: "shape \(shape)") {
        _ = try Tensor(validating: [Int](), shape: shape)
      }
    }
    // The elements fit in Int, their bytes do not.
    expectRefusal(expected: "a number of bytes that fits in Int", got: "shape [\(1 << 61), 0]") {
      _ = try Tensor(validating: [Int](), shape: [1 << 61, 0])
    }
    let many = [Int](repeating: 2, count: 100_000)
    expectRefusal(expected: "a number of bytes that fits in Int", got: "shape [2, 2, 2, 2, …, 2, 2] of 100000 axes") {
      _ = try Tensor(validating: [Int](), shape: many)
    }
  }

  @Test("Integers become the nearest float, in one rounding; truth values 0 and 1")
  func integers() throws {
    // 2⁶⁰ + 2³⁶ lies half way between two floats; a detour over Double would lose the 1 that decides.
    let odd = (1 << 60) + (1 << 36) + 1
    #expect(try Tensor(validating: [odd]).scalars(as: Float.self) == [Float(0x1p60 + 0x1p37)])
    #expect(try Tensor(validating: [UInt64.max, 0]).scalars(as: Float.self) == [0x1p64, 0])
    #expect(try Tensor(validating: [Int.min], dtype: .float64).scalars(as: Double.self) == [-0x1p63])
    #expect(try Tensor(validating: [Int8(-5), 7]).doubles == [-5, 7])
    for dtype in [DType.float32, .float64, .int32] {
      let truths = try Tensor(validating: [[true, false], [false, true]], dtype: dtype)
      #expect(truths.dtype == dtype && truths.doubles == [1, 0, 0, 1])
    }
  }

  @Test("A finite double beyond float32 is refused with its index; what rounds into float32 is not; NaN and ∞ pass")
  func floating() throws {
    let wanted = "numbers within float32 (float64 reaches further)"
    expectRefusal(expected: wanted, got: "1e+39 at index 2") { _ = try Tensor(validating: [1, 2, 1e39, -1e40]) }
    expectRefusal(expected: wanted, got: "-1e+39 at index [1, 0]") {
      _ = try Tensor(validating: [[1, 2], [-1e39, 4]])
    }
    expectRefusal(expected: wanted, got: "1e+39 at index [1, 0, 2]") {
      _ = try Tensor(validating: [[[1, 2, 3]], [[4, 5, 1e39]]])
    }
    expectRefusal(expected: wanted, got: "1e+39 at index [1, 2]") {
      _ = try Tensor(validating: [1, 2, 3, 4, 5, 1e39], shape: [2, 3])
    }
    let largest = Double(Float.greatestFiniteMagnitude)
    #expect(try Tensor(validating: [largest, -largest.nextUp]).doubles == [largest, -largest])
    #expect(try Tensor(validating: [1e39], dtype: .float64).doubles == [1e39])
    #expect(try Tensor(validating: [1e-50, 0.1]).scalars(as: Float.self) == [0, 0.1])
    let special = try Tensor(validating: [Double.nan, .infinity, -.infinity]).scalars(as: Float.self)
    #expect(special[0].isNaN && special[1] == .infinity && special[2] == -.infinity)
  }

  @Test("Ids stay integers and are refused outside int32; fractions, NaN and ∞ are no ids")
  func ids() throws {
    #expect(
      try Tensor(validating: [Int(Int32.min), Int(Int32.max)], dtype: .int32).scalars(as: Int32.self) == [.min, .max])
    #expect(try Tensor(validating: [3.0, -0.0], dtype: .int32).scalars(as: Int32.self) == [3, 0])
    let wanted = "whole numbers within int32"
    expectRefusal(expected: wanted, got: "2147483648 at index 1") {
      _ = try Tensor(validating: [0, 1 << 31], dtype: .int32)
    }
    expectRefusal(expected: wanted, got: "-2147483649 at index [0, 1]") {
      _ = try Tensor(validating: [[1, -(1 << 31) - 1]], dtype: .int32)
    }
    expectRefusal(expected: wanted, got: "4294967295 at index 0") {
      _ = try Tensor(validating: [UInt32.max], dtype: .int32)
    }
    for stray in [0.5, .nan, .infinity, 0x1p31] {
      expectRefusal(expected: wanted, got: "\(stray) at index 1") {
        _ = try Tensor(validating: [1, stray], dtype: .int32)
      }
    }
  }

  /// A number type of somebody else's.
  private struct Tenths: TensorConvertible {
    let count: Int
    static func float32(_ number: Tenths) -> Float? { Float(number.count) / 10 }
    static func float64(_ number: Tenths) -> Double? { Double(number.count) / 10 }
    static func int32(_ number: Tenths) -> Int32? { number.count % 10 == 0 ? Int32(exactly: number.count / 10) : nil }
  }

  @Test("A type of one's own joins in")
  func ownType() throws {
    #expect(try Tensor(validating: [Tenths(count: 3)], dtype: .float64).doubles == [0.3])
    #expect(try Tensor(validating: [Tenths(count: 30)], dtype: .int32).doubles == [3])
    #expect(throws: RecurraError.self) { try Tensor(validating: [Tenths(count: 31)], dtype: .int32) }
  }

  @Test("A shape checked for a file counts its elements and takes the caller's words")
  func shapeCheck() throws {
    #expect(try Shape.validated([2, 3, 4], operation: "read x") == 24)
    #expect(try Shape.validated([], operation: "read x") == 1)
    #expect(try Shape.validated([.max, 0], operation: "read x") == 0)
    #expect(
      throws: RecurraError(
        .badFile, operation: "read x", expected: "a number of elements that fits in Int",
        got: "shape [\(Int.max), 2, 0]")
    ) { try Shape.validated([.max, 2, 0], operation: "read x", kind: .badFile) }
  }
}
