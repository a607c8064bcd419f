internal import RecurraLayers
package import RecurraTensor

/// Checks of what a caller hands in, before anything is computed from it.
///
/// `lengths` are those of sequences along the second axis: what lies behind them is never looked at. Errors name the
/// row, and the timestep where `hasTimesteps` says that the second axis is time.
extension Tensor {
  /// Refuses NaN and infinity.
  package func checkFinite(
    _ name: String, lengths: [Int]? = nil, hasTimesteps: Bool? = nil, _ operation: String
  ) throws(RecurraError) {
    guard let stray = firstStray(lengths, isValid: \.isFinite) else { return }
    throw RecurraError(
      .badData, operation: operation, expected: "finite numbers in \(name)",
      got: stray.text(hasTimesteps: hasTimesteps ?? (rank > 2)))
  }

  /// Refuses everything but whole numbers in 0..<limit, of whatever type.
  ///
  /// - Parameter ignored: a number that is let through besides.
  package func checkIntegers(
    below limit: Int, _ what: String, of name: String, ignoring ignored: Int? = nil, lengths: [Int]? = nil,
    hasTimesteps: Bool? = nil, _ operation: String
  ) throws(RecurraError) {
    let range = 0..<Double(limit)
    let other = ignored.map { Double($0) }
    let stray = firstStray(lengths) { (range.contains($0) && $0 == $0.rounded()) || $0 == other }
    guard let stray else { return }
    throw RecurraError(
      .badData, operation: operation,
      expected: "\(what) in 0..<\(limit)" + (ignored.map { ", or \($0) for rows that do not count" } ?? ""),
      got: "\(stray.text(hasTimesteps: hasTimesteps ?? (rank > 2))) of \(name)")
  }

  /// Returns the numbers in the type a model computes in, dense and without history.
  ///
  /// Numbers behind the lengths come out finite, so that no layer is led astray by them.
  ///
  /// - Parameters:
  ///   - dtype: the model's type.
  ///   - allowsNonFinite: whether NaN and infinity may be among the numbers.
  ///   - convertsIntegers: whether whole numbers become the nearest floats; they stay as they are otherwise.
  /// - Throws: `badData` with the row for NaN and infinity, and for a finite number that only float64 can hold where
  ///   the model computes in float32.
  package func checkedValues(
    _ name: String, dtype: DType, lengths: [Int]? = nil, allowsNonFinite: Bool = false, convertsIntegers: Bool = false,
    hasTimesteps: Bool? = nil, _ operation: String
  ) throws(RecurraError) -> Tensor {
    let dense = detached.contiguous
    guard self.dtype.isFloating else { return convertsIntegers ? dense.converted(to: dtype) : dense }
    if !allowsNonFinite {
      try dense.checkFinite(name, lengths: lengths, hasTimesteps: hasTimesteps, operation)
    }
    let converted = dense.converted(to: dtype)
    if self.dtype == .float64, dtype == .float32,
      let stray = dense.firstStray(lengths, isValid: { !$0.isFinite || Float($0).isFinite })
    {
      throw RecurraError(
        .badData, operation: operation, expected: "numbers in \(name) that float32 can hold, the model's type",
        got: stray.text(hasTimesteps: hasTimesteps ?? (rank > 2)))
    }
    return lengths.map { converted.cleared(behind: $0) { $0.isFinite } } ?? converted
  }

  /// Returns ids as int32; ids behind the lengths that are outside the range come out as 0.
  ///
  /// - Throws: `badData` with the row for everything but whole numbers in 0..<limit.
  package func checkedIDs(
    below limit: Int, of name: String, lengths: [Int]? = nil, _ operation: String
  ) throws(RecurraError) -> Tensor {
    try checkIntegers(below: limit, "ids", of: name, lengths: lengths, hasTimesteps: rank > 1, operation)
    let range = 0..<Double(limit)
    let cleared = lengths.map { detached.cleared(behind: $0) { range.contains($0) && $0 == $0.rounded() } }
    return (cleared ?? detached).contiguous.converted(to: .int32)
  }

  /// The same with 0 for every number behind the lengths; itself where all of those are valid as they stand.
  private func cleared(behind lengths: [Int], isValid: (Double) -> Bool) -> Tensor {
    guard firstStray(nil, isValid: isValid) != nil, rank > 1 else { return self }
    func clear<S: TensorScalar>(_ type: S.Type) -> Tensor {
      let (row, timestep) = (count / shape[0], count / (shape[0] * shape[1]))
      var result = self
      result.withMutableSpan(of: S.self) { values in
        for (number, length) in lengths.enumerated() {
          for i in number * row + Swift.min(length * timestep, row)..<(number + 1) * row { values[i] = S.zero }
        }
      }
      return result
    }
    switch dtype.representation {
    case .float32: return clear(Float.self)
    case .float64: return clear(Double.self)
    case .int32: return clear(Int32.self)
    }
  }

  /// The first number in front of the lengths that is not valid.
  func firstStray(_ lengths: [Int]?, isValid: (Double) -> Bool) -> Stray? {
    guard rank > 0, count > 0 else { return nil }
    let (rows, row) = (shape[0], count / shape[0])
    let timestep = rank > 1 ? row / shape[1] : row
    func find<S: TensorScalar>(_ type: S.Type) -> Stray? {
      withSpan(of: S.self) { values in
        for number in 0..<rows {
          let start = number * row
          // Targets of a wrong shape may have fewer timesteps than the lengths say.
          let end = start + (rank > 1 ? lengths.map { Swift.min($0[number] * timestep, row) } ?? row : row)
          for i in start..<end where !isValid(values[i].asDouble) {
            return Stray(value: "\(values[i])", row: number, timestep: (i - start) / timestep)
          }
        }
        return nil
      }
    }
    switch dtype.representation {
    case .float32: return find(Float.self)
    case .float64: return find(Double.self)
    case .int32: return find(Int32.self)
    }
  }
}

/// A number that does not belong into data, and where it stands.
struct Stray {
  let value: String
  let row: Int
  let timestep: Int

  func text(hasTimesteps: Bool) -> String { "\(value) in row \(row)" + (hasTimesteps ? ", timestep \(timestep)" : "") }
}
