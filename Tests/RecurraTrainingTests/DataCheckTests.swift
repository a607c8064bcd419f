import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// What data are refused, with the place of the number at fault, and what is made of the rest.
@Suite struct DataCheckTests {
  static func expect<Result>(
    _ kind: RecurraError.Kind = .badData, _ words: String..., sourceLocation: SourceLocation = #_sourceLocation,
    from body: () throws -> Result
  ) {
    let error = #expect(throws: RecurraError.self, sourceLocation: sourceLocation) { _ = try body() }
    guard let error else { return }
    #expect(error.kind == kind, "\(error)", sourceLocation: sourceLocation)
    for word in words { #expect(error.description.contains(word), "\(error)", sourceLocation: sourceLocation) }
  }

  /// N 3, T 4, one feature each; the number at (2, 1) is `bad`.
  static func sequences(_ bad: Double, shape: [Int] = [3, 4, 2]) -> Tensor {
    var numbers = Tensor.varied(shape, seed: 61).doubles
    numbers[numbers.count / 12 * 9] = bad
    return Tensor(numbers, shape: shape)
  }

  @Test func strangeNumbersAreRefusedWithTheirPlace() {
    for (bad, text) in [(Double.nan, "nan"), (.infinity, "inf"), (-.infinity, "-inf")] {
      for dtype in [DType.float32, .float64] {
        let data = Self.sequences(bad).converted(to: dtype)
        Self.expect(.badData, "fit", "finite numbers in x", "\(text) in row 2, timestep 1") {
          try data.checkedValues("x", dtype: .float32, "fit")
        }
        Self.expect(.badData, "\(text) in row 2, timestep 1") {
          try data.checkedValues("x", dtype: dtype, mask: .lengths([0, 0, 2]), "fit")
        }
      }
    }
    let flat = Self.sequences(.nan, shape: [3, 4])
    Self.expect(.badData, "nan in row 2") { try flat.checkedValues("y", dtype: .float64, "fit") }
    #expect(
      throws: RecurraError(.badData, operation: "fit", expected: "finite numbers in y", got: "nan in row 2")
    ) { try flat.checkFinite("y", "fit") }
    Self.expect(.badData, "nan in row 2, timestep 1") { try flat.checkFinite("y", hasTimesteps: true, "fit") }
  }

  @Test func strangeNumbersPassWhereTheyAreAllowed() throws {
    let data = Self.sequences(.nan)
    let found = try data.checkedValues("x", dtype: .float64, allowsNonFinite: true, "fit")
    expectIdentical(found, data)
  }

  @Test func whatLiesBehindTheLengthsIsNeverLookedAt() throws {
    for bad in [Double.nan, .infinity] {
      for allowsNonFinite in [false, true] {
        let data = Self.sequences(bad)
        let found = try data.checkedValues(
          "x", dtype: .float64, mask: .lengths([4, 0, 1]), allowsNonFinite: allowsNonFinite, "fit")
        // Numbers in front of the lengths stay, and nothing that is not finite is left behind them.
        expectIdentical(found[0], data[0])
        expectIdentical(found[2][0..<1], data[2][0..<1])
        #expect(found.doubles.allSatisfy { $0.isFinite })
        Self.expect(.badData, "row 2, timestep 1") {
          try data.checkedValues("x", dtype: .float64, mask: .lengths([4, 0, 2]), "fit")
        }
      }
    }
    // Numbers that are finite stay, wherever they stand.
    let plain = Self.sequences(7)
    expectIdentical(try plain.checkedValues("x", dtype: .float64, mask: .lengths([4, 0, 1]), "fit"), plain)
  }

  @Test func lengthsMayBeLongerThanTargetsOfAWrongShape() throws {
    let targets = Tensor([1, .nan, 3, 4] as [Double], shape: [2, 2])
    Self.expect(.badData, "nan in row 0") {
      try targets.checkedValues("y", dtype: .float64, mask: .lengths([5, 0]), "fit")
    }
    let found = try targets.checkedValues("y", dtype: .float64, mask: .lengths([1, 5]), "fit")
    #expect(found.doubles == [1, 0, 3, 4])
  }

  @Test func numbersBeyondFloat32AreRefused() throws {
    let data = Self.sequences(-1e39)
    Self.expect(.badData, "float32", "-1e+39 in row 2, timestep 1") {
      try data.checkedValues("x", dtype: .float32, "fit")
    }
    Self.expect(.badData, "float32") { try data.checkedValues("x", dtype: .float32, allowsNonFinite: true, "fit") }
    expectIdentical(try data.checkedValues("x", dtype: .float64, "fit"), data)
    let largest = Self.sequences(Double(Float.greatestFiniteMagnitude))
    expectIdentical(try largest.checkedValues("x", dtype: .float32, "fit"), largest.converted(to: .float32))
    #expect(
      try data.checkedValues("x", dtype: .float32, mask: .lengths([4, 4, 1]), "fit").doubles.allSatisfy { $0.isFinite })
    let infinite = try Self.sequences(.infinity).checkedValues("x", dtype: .float32, allowsNonFinite: true, "fit")
    #expect(infinite[2][1].doubles[0] == .infinity)
  }

  @Test func integersBecomeFloatsWhereTheyAreFeatures() throws {
    let counts = Tensor([3, 0, -7, 16_777_217] as [Int32], shape: [2, 2])
    let found = try counts.checkedValues("x", dtype: .float32, convertsIntegers: true, "fit")
    #expect(found.dtype == .float32 && found.doubles == [3, 0, -7, 16_777_216])
    expectIdentical(try counts.checkedValues("x", dtype: .float32, "fit"), counts)
  }

  @Test func idsAreWholeNumbersInFrontOfTheLengths() throws {
    let ids = Tensor([1, 2, 3, 9, -1, 0] as [Float], shape: [2, 3])
    Self.expect(.badData, "ids in 0..<5", "9.0 in row 1, timestep 0 of x") {
      try ids.checkedIDs(below: 5, of: "x", "fit")
    }
    Self.expect(.badData, "-1.0 in row 1, timestep 1") { try ids.checkedIDs(below: 10, of: "x", "fit") }
    Self.expect(.badData, "9.0 in row 1") { try ids.checkedIDs(below: 5, of: "x", mask: .lengths([3, 1]), "fit") }
    let found = try ids.checkedIDs(below: 5, of: "x", mask: .lengths([2, 0]), "fit")
    #expect(found.dtype == .int32 && found[0][0..<2].doubles == [1, 2] && found[1].doubles == [0, 0, 0])
    let strange = Tensor([1, .nan, 0.5, 4] as [Double], shape: [2, 2])
    #expect(try strange.checkedIDs(below: 5, of: "x", mask: .lengths([1, 0]), "fit").doubles == [1, 0, 0, 0])
    Self.expect(.badData, "0.5 in row 1, timestep 0") {
      try strange.checkedIDs(below: 5, of: "x", mask: .lengths([1, 1]), "fit")
    }
    expectIdentical(
      try Tensor([4, 0] as [Int32]).checkedIDs(below: 5, of: "x", "fit"), Tensor([4, 0] as [Int32]))
  }

  @Test func sampleWeightsAreFiniteAndNotNegative() throws {
    let (shape, output) = ([3, 4, 2], [nil, 4, 5] as [Int?])
    for (bad, text) in [(Double.nan, "nan"), (.infinity, "inf"), (-0.5, "-0.5")] {
      Self.expect(.badData, "fit", "sample weights of 0 or more", "\(text) in row 1") {
        try Tensor([1, bad, 0]).checkedSampleWeights(for: shape, "fit")
      }
    }
    for column in [[3], [3, 1]] {
      #expect(try Tensor.ones(column).checkedSampleWeights(for: shape, "fit").shape == [3])
    }
    for steps in [[3, 4], [3, 4, 1]] {
      #expect(try Tensor.ones(steps).checkedSampleWeights(for: shape, output: output, "fit").shape == [3, 4])
    }
    Self.expect(.badData, "[3] or [3, 4]", "[4]") { try Tensor.ones([4]).checkedSampleWeights(for: shape, "fit") }
    Self.expect(.badData, "[3] or [3, 4]", "[4, 3]") {
      try Tensor.ones([4, 3]).checkedSampleWeights(for: shape, "fit")
    }
    Self.expect(.badData, "of shape [3],", "[3, 4]") {
      try Tensor.ones([3, 4]).checkedSampleWeights(for: shape, output: [nil, 5], "fit")
    }
    Self.expect(.badData, "[3]", "got []") { try Tensor(1).checkedSampleWeights(for: shape, "fit") }
    var numbers = [Double](repeating: 2, count: 12)
    numbers[9] = -1
    let weights = Tensor(numbers, shape: [3, 4])
    Self.expect(.badData, "-1.0 in row 2, timestep 1") { try weights.checkedSampleWeights(for: shape, "fit") }
    expectIdentical(try weights.checkedSampleWeights(for: shape, mask: .lengths([4, 4, 1]), "fit"), weights)
    Self.expect { try weights.checkedSampleWeights(for: shape, mask: .lengths([4, 4, 2]), "fit") }
    #expect(try Tensor([0, 2, 1] as [Int32]).checkedSampleWeights(for: shape, "fit").doubles == [0, 2, 1])
  }
}
