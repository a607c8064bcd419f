/// Tensors from numbers that come from outside: what does not fit together is an error that a program can catch.
extension Tensor {
  /// Makes a vector from numbers that come from outside.
  ///
  /// Integers and truth values become the nearest number of a floating type. NaN and infinity pass: `fit` and `predict`
  /// refuse them with their row. Ask for `.int32` to keep ids whole.
  ///
  /// - Parameters:
  ///   - numbers: floating numbers, integers or truth values.
  ///   - dtype: the type of the elements.
  /// - Throws: `badData` for a number that `dtype` cannot hold, with its index: a finite one beyond float32's range,
  ///   for int32 one that is not whole or lies outside its range.
  /// - Complexity: one pass.
  public init<Number: TensorConvertible>(validating numbers: [Number], dtype: DType = .float32) throws(RecurraError) {
    self = try .validated([numbers], shape: [numbers.count], dtype)
  }

  /// Makes a tensor of any shape from numbers in row-major order that come from outside.
  ///
  /// - Parameters:
  ///   - numbers: as many as the shape has elements, the last axis running fastest.
  ///   - shape: the extents.
  ///   - dtype: the type of the elements.
  /// - Throws: `badData` for a shape with another number of elements, a negative extent or more elements than `Int`
  ///   counts, and for a number that `dtype` cannot hold.
  public init<Number: TensorConvertible>(
    validating numbers: [Number], shape: [Int], dtype: DType = .float32
  ) throws(RecurraError) {
    let count = try Shape.validated(shape, byteCount: dtype.byteCount, operation: "Tensor")
    guard count == numbers.count else {
      throw .badTensor(expected: "\(count) numbers for shape \(Shape.text(shape))", got: "\(numbers.count)")
    }
    self = try .validated([numbers], shape: shape, dtype)
  }

  /// Makes a matrix from rows that come from outside.
  ///
  /// - Throws: `badData` for rows of different lengths, naming the first that differs, and for a number that `dtype`
  ///   cannot hold.
  public init<Number: TensorConvertible>(validating rows: [[Number]], dtype: DType = .float32) throws(RecurraError) {
    let width = rows.first?.count ?? 0
    try Self.checkEven(rows, width) { "row \($0)" }
    self = try .validated(rows, shape: [rows.count, width], dtype)
  }

  /// Makes a tensor of three axes from lists of rows that come from outside: sequences of timesteps of features.
  ///
  /// - Shapes: result [B, T, I] for B sequences of T timesteps of I numbers each.
  /// - Throws: `badData` for sequences or timesteps of different lengths, naming the first that differs, and for a
  ///   number that `dtype` cannot hold.
  public init<Number: TensorConvertible>(
    validating sequences: [[[Number]]], dtype: DType = .float32
  ) throws(RecurraError) {
    let length = sequences.first?.count ?? 0
    let width = sequences.first?.first?.count ?? 0
    if let ragged = sequences.firstIndex(where: { $0.count != length }) {
      throw .badTensor(
        expected: "sequences of \(length) timesteps each, as sequence 0 (padSequences pads shorter ones)",
        got: "\(sequences[ragged].count) in sequence \(ragged)")
    }
    for (index, rows) in sequences.enumerated() {
      try Self.checkEven(rows, width) { "timestep \($0) of sequence \(index)" }
    }
    self = try .validated(Array(sequences.joined()), shape: [sequences.count, length, width], dtype)
  }

  private static func checkEven<Number>(
    _ rows: [[Number]], _ width: Int, name: (Int) -> String
  ) throws(RecurraError) {
    guard let ragged = rows.firstIndex(where: { $0.count != width }) else { return }
    throw .badTensor(
      expected: "rows of \(width) numbers each, as the first (padSequences pads shorter ones)",
      got: "\(rows[ragged].count) in \(name(ragged))")
  }

  /// Converts lists that together have as many numbers as the shape.
  private static func validated<Number: TensorConvertible>(
    _ lists: [[Number]], shape: [Int], _ dtype: DType
  ) throws(RecurraError) -> Tensor {
    func converted<S: TensorScalar>(_ convert: (Number) -> S?) throws(RecurraError) -> Tensor {
      var stray: (position: Int, number: Number)?
      let tensor = Tensor(shape, of: S.self) { output in
        var position = 0
        for list in lists {
          for number in list {
            guard let element = convert(number) else {
              stray = (position, number)
              return
            }
            output[position] = element
            position += 1
          }
        }
      }
      guard let stray else { return tensor }
      throw .unrepresentable(stray.number, dtype, "Tensor", place: Shape.indexText(stray.position, in: shape))
    }
    if dtype == .int32 { return try converted(Number.int32) }
    return dtype == .float64 ? try converted(Number.float64) : try converted(Number.float32)
  }
}

extension RecurraError {
  /// A number that a tensor's type cannot hold.
  static func unrepresentable<Number>(
    _ number: Number, _ dtype: DType, _ operation: String, place: String
  ) -> RecurraError {
    let remedy = dtype == .float32 ? " (float64 reaches further)" : ""
    return RecurraError(
      .badData, operation: operation,
      expected: (dtype == .int32 ? "whole numbers within int32" : "numbers within \(dtype.rawValue)") + remedy,
      got: "\(number) at index \(place)")
  }

  fileprivate static func badTensor(expected: String, got: String) -> RecurraError {
    RecurraError(.badData, operation: "Tensor", expected: expected, got: got)
  }
}
