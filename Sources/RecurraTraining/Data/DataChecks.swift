internal import RecurraLayers
internal import RecurraTensor

/// Checks of what a caller hands in, before anything is computed from it.
extension Tensor {
  /// Refuses NaN and infinity.
  func checkFinite(_ name: String, _ operation: String) throws(RecurraError) {
    guard let stray = firstStray(isValid: \.isFinite) else { return }
    throw RecurraError(
      .badData, operation: operation, expected: "finite numbers in \(name)", got: "\(stray.text) in row \(stray.row)")
  }

  /// Refuses everything but whole numbers in 0..<limit, of whatever type.
  func checkIntegers(
    below limit: Int, _ what: String, of name: String, _ operation: String
  ) throws(RecurraError) {
    let range = 0..<Double(limit)
    guard let stray = firstStray(isValid: { range.contains($0) && $0 == $0.rounded() }) else { return }
    throw RecurraError(
      .badData, operation: operation, expected: "\(what) in 0..<\(limit)",
      got: "\(stray.text) in row \(stray.row) of \(name)")
  }

  /// The first number that is not valid, and the row it is in.
  private func firstStray(isValid: (Double) -> Bool) -> (row: Int, text: String)? {
    func find<S: TensorScalar>(_ type: S.Type) -> (Int, String)? {
      withSpan(of: S.self) { values in
        for i in 0..<values.count where !isValid(values[i].asDouble) { return (i / (count / shape[0]), "\(values[i])") }
        return nil
      }
    }
    switch dtype {
    case .float32: return find(Float.self)
    case .float64: return find(Double.self)
    case .int32: return find(Int32.self)
    }
  }
}

extension Loss {
  /// Checks targets against the shape of the model's output; a loss of one's own takes anything.
  func validate(targets: Tensor, output: [Int?], operation: String) throws(RecurraError) {
    if case .function = kind { return }
    // An axis of extent 1 at the end may be there or not.
    func essential(_ shape: ArraySlice<Int>) -> [Int] { Array(shape.last == 1 ? shape.dropLast() : shape) }
    let known = output.dropFirst().compactMap { $0 }
    let expected = essential(takesLabels ? known.dropLast() : known[...])
    guard output.count == known.count + 1, essential(targets.shape.dropFirst()) == expected else {
      throw RecurraError(
        .badData, operation: operation,
        expected:
          "y of shape [\((["B"] + expected.map(String.init)).joined(separator: ", "))] for \(name) of \(text(of: output))",
        got: "\(targets.shape)")
    }
    if takesLabels { try targets.checkIntegers(below: known.last ?? 1, "labels", of: "y", operation) }
  }
}
