public import RecurraTensor

extension Tensor {
  /// Makes a tensor from a JSON list of numbers and truth values, or from such lists inside each other: the body of a
  /// request.
  ///
  /// Integers and truth values (0 and 1) become the nearest number of a floating type; ask for `.int32` to keep ids
  /// whole.
  ///
  /// - Shapes: a list in a list of three lists of four numbers gives [1, 3, 4]; a number alone gives [].
  /// - Throws: `badData` with the index of a list of another length than the first of its kind, of a value that is no
  ///   number, and of a number that `dtype` cannot hold.
  public init(validating json: JSONValue, dtype: DType = .float32) throws(RecurraError) {
    var shape: [Int] = []
    var first: JSONValue? = json
    while case .array(let elements)? = first {
      shape.append(elements.count)
      first = elements.first
    }
    var numbers: [JSONNumber] = []
    try JSONNumber.collect(json, shape, [], &numbers)
    try self.init(validating: numbers, shape: shape, dtype: dtype)
  }
}

/// A number of a JSON text, as it stands there.
private enum JSONNumber: TensorConvertible, CustomStringConvertible {
  case integer(Int)
  case floating(Double)
  case truth(Bool)

  /// Adds the numbers of a value at `path` that must have the extents of `shape` behind that path.
  static func collect(
    _ value: JSONValue, _ shape: [Int], _ path: [Int], _ numbers: inout [JSONNumber]
  ) throws(RecurraError) {
    if path.count < shape.count {
      let extent = shape[path.count]
      guard case .array(let elements) = value else {
        throw failure(expected: "a list of \(extent) elements", got: value.kind, path)
      }
      guard elements.count == extent else {
        throw failure(expected: "lists of \(extent) elements, as the first", got: "\(elements.count)", path)
      }
      for (index, element) in elements.enumerated() { try collect(element, shape, path + [index], &numbers) }
      return
    }
    switch value {
    case .integer(let number): numbers.append(.integer(number))
    case .number(let number): numbers.append(.floating(number))
    case .bool(let truth): numbers.append(.truth(truth))
    default: throw failure(expected: "a number or a truth value", got: value.kind, path)
    }
  }

  private static func failure(expected: String, got: String, _ path: [Int]) -> RecurraError {
    let place = path.isEmpty ? "" : " at index \(path.count == 1 ? "\(path[0])" : Shape.text(path))"
    return RecurraError(.badData, operation: "Tensor", expected: expected, got: got + place)
  }

  var description: String {
    switch self {
    case .integer(let number): "\(number)"
    case .floating(let number): "\(number)"
    case .truth(let truth): "\(truth)"
    }
  }

  static func float32(_ number: JSONNumber) -> Float? {
    switch number {
    case .integer(let number): Int.float32(number)
    case .floating(let number): Double.float32(number)
    case .truth(let truth): Bool.float32(truth)
    }
  }

  static func float64(_ number: JSONNumber) -> Double? {
    switch number {
    case .integer(let number): Int.float64(number)
    case .floating(let number): number
    case .truth(let truth): Bool.float64(truth)
    }
  }

  static func int32(_ number: JSONNumber) -> Int32? {
    switch number {
    case .integer(let number): Int.int32(number)
    case .floating(let number): Double.int32(number)
    case .truth(let truth): Bool.int32(truth)
    }
  }
}
