import RecurraLayers
import RecurraTensor
import Testing

@Suite struct JSONTensorTests {
  private func tensor(_ text: String, dtype: DType = .float32) throws -> Tensor {
    try Tensor(validating: JSONValue(parsing: Array(text.utf8)), dtype: dtype)
  }

  @Test func listsInListsBecomeAxes() throws {
    let batch = try tensor("[[[1, 2.5, true], [4, 5e-1, false]]]")
    #expect(batch.shape == [1, 2, 3])
    #expect(batch.scalars(as: Float.self) == [1, 2.5, 1, 4, 0.5, 0])
    #expect(try tensor("7").shape == [])
    #expect(try tensor("[]").shape == [0])
    #expect(try tensor("[[], []]").shape == [2, 0])
    #expect(try tensor("[3, 4]", dtype: .int32).scalars(as: Int32.self) == [3, 4])
    #expect(
      try tensor("[9007199254740993, true]", dtype: .float64).scalars(as: Double.self) == [9_007_199_254_740_992, 1])
  }

  @Test(arguments: [
    ("[[1, 2], [3]]", "lists of 2 elements, as the first", "1 at index 1"),
    ("[[1], [2, 3]]", "lists of 1 elements", "2 at index 1"),
    ("[[[1]], [[]]]", "lists of 1 elements", "0 at index [1, 0]"),
    ("[1, [2]]", "a number or a truth value", "a list at index 1"),
    ("[[1], 2]", "a list of 1 elements", "an integer at index 1"),
    ("[[], [1]]", "lists of 0 elements", "1 at index 1"), ("[null]", "a number or a truth value", "null at index 0"),
    ("[[1, \"2\"]]", "a number or a truth value", "a text at index [0, 1]"),
    ("{\"x\": 1}", "a number or a truth value", "an object"),
    ("[1, 1e39]", "numbers within float32", "1e+39 at index 1"),
  ]) func whatDoesNotFitIsNamed(_ text: String, _ expected: String, _ got: String) {
    expectError(.badData, "Tensor: expected \(expected)", "got \(got)") { _ = try tensor(text) }
  }

  @Test(arguments: ["[0, 0.5]", "[1, 2147483648]", "[1, -1e300]"]) func idsAreWholeAndWithinInt32(_ text: String) {
    expectError(.badData, "whole numbers within int32", "at index 1") { _ = try tensor(text, dtype: .int32) }
  }
}
