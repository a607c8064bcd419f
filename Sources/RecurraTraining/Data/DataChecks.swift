package import RecurraLayers
package import RecurraTensor

/// Checks of what a caller hands in, before anything is computed from it.
///
/// A mask is that of sequences along the second axis: what does not count is never looked at. Errors name the
/// row, and the timestep where `hasTimesteps` says that the second axis is time.
extension Tensor {
  /// Refuses NaN and infinity.
  package func checkFinite(
    _ name: String, mask: SequenceMask = .all, hasTimesteps: Bool? = nil, _ operation: String
  ) throws(RecurraError) {
    guard let stray = firstStray(mask, isValid: \.isFinite) else { return }
    throw RecurraError(
      .badData, operation: operation, expected: "finite numbers in \(name)",
      got: stray.text(hasTimesteps: hasTimesteps ?? (rank > 2)))
  }

  /// Refuses everything but whole numbers in 0..<limit, of whatever type.
  ///
  /// - Parameter ignored: a number that is let through besides.
  package func checkIntegers(
    below limit: Int, _ what: String, of name: String, ignoring ignored: Int? = nil, mask: SequenceMask = .all,
    hasTimesteps: Bool? = nil, _ operation: String
  ) throws(RecurraError) {
    let range = 0..<Double(limit)
    let other = ignored.map { Double($0) }
    let stray = firstStray(mask) { (range.contains($0) && $0 == $0.rounded()) || $0 == other }
    guard let stray else { return }
    throw RecurraError(
      .badData, operation: operation,
      expected: "\(what) in 0..<\(limit)" + (ignored.map { ", or \($0) for rows that do not count" } ?? ""),
      got: "\(stray.text(hasTimesteps: hasTimesteps ?? (rank > 2))) of \(name)")
  }

  /// Returns the numbers in the type a model computes in, dense and without history.
  ///
  /// Masked numbers come out finite, so that no layer is led astray by them: those behind a row's length as 0, those
  /// that a mask of steps leaves out as they are where they are finite, because some layers look at them.
  ///
  /// - Parameters:
  ///   - dtype: the model's type.
  ///   - allowsNonFinite: whether NaN and infinity may be among the numbers.
  ///   - keepsSteps: whether what a mask of steps leaves out stays as it is in any case: targets are looked at only
  ///     where they count.
  ///   - convertsIntegers: whether whole numbers become the nearest floats; they stay as they are otherwise.
  /// - Throws: `badData` with the row for NaN and infinity, and for a finite number that only float64 can hold where
  ///   the model computes in float32.
  package func checkedValues(
    _ name: String, dtype: DType, mask: SequenceMask = .all, keepsSteps: Bool = false, allowsNonFinite: Bool = false,
    convertsIntegers: Bool = false, hasTimesteps: Bool? = nil, _ operation: String
  ) throws(RecurraError) -> Tensor {
    let dense = detached.contiguous
    guard self.dtype.isFloating else { return convertsIntegers ? dense.converted(to: dtype) : dense }
    if !allowsNonFinite {
      try dense.checkFinite(name, mask: mask, hasTimesteps: hasTimesteps, operation)
    }
    let converted = dense.converted(to: dtype)
    if self.dtype == .float64, dtype == .float32,
      let stray = dense.firstStray(mask, isValid: { !$0.isFinite || Float($0).isFinite })
    {
      throw RecurraError(
        .badData, operation: operation, expected: "numbers in \(name) that float32 can hold, the model's type",
        got: stray.text(hasTimesteps: hasTimesteps ?? (rank > 2)))
    }
    return converted.cleared(where: keepsSteps ? mask.withoutSteps : mask) { $0.isFinite }
  }

  /// Returns ids as int32; masked ids that are outside the range come out as 0.
  ///
  /// - Throws: `badData` with the row for everything but whole numbers in 0..<limit.
  package func checkedIDs(
    below limit: Int, of name: String, mask: SequenceMask = .all, _ operation: String
  ) throws(RecurraError) -> Tensor {
    try checkIntegers(below: limit, "ids", of: name, mask: mask, hasTimesteps: rank > 1, operation)
    let range = 0..<Double(limit)
    let cleared = detached.cleared(where: mask) { range.contains($0) && $0 == $0.rounded() }
    return cleared.contiguous.converted(to: .int32)
  }

  /// The same with 0 for every number behind its row's length, and for what a mask of steps leaves out and is not
  /// valid; itself where all numbers are valid as they stand.
  private func cleared(where mask: SequenceMask, isValid: (Double) -> Bool) -> Tensor {
    guard !mask.isAll, rank > 1, firstStray(.all, isValid: isValid) != nil else { return self }
    func clear<S: TensorScalar>(_ type: S.Type) -> Tensor {
      let (timesteps, timestep, lengths) = (
        shape[1], count / (shape[0] * shape[1]), mask.withoutSteps.lengths
      )
      var result = self
      result.withMutableSpan(of: S.self) { values in
        for row in 0..<shape[0] {
          var next = 0
          for run in mask.runs(ofRow: row, timesteps: timesteps) + [timesteps..<timesteps] {
            let start = row * timesteps
            let end = (start + (lengths?[row] ?? timesteps)) * timestep
            for i in (start + next) * timestep..<(start + run.lowerBound) * timestep
            where i >= end || !isValid(values[i].asDouble) { values[i] = S.zero }
            next = run.upperBound
          }
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

  /// The first number that counts and is not valid.
  func firstStray(_ mask: SequenceMask, isValid: (Double) -> Bool) -> Stray? {
    guard rank > 0, count > 0 else { return nil }
    let (rows, row) = (shape[0], count / shape[0])
    let timesteps = rank > 1 ? shape[1] : 1
    let timestep = row / timesteps
    func find<S: TensorScalar>(_ type: S.Type) -> Stray? {
      withSpan(of: S.self) { values in
        for number in 0..<rows {
          let start = number * row
          for run in mask.runs(ofRow: rank > 1 ? number : nil, timesteps: timesteps) {
            for i in start + run.lowerBound * timestep..<start + run.upperBound * timestep
            where !isValid(values[i].asDouble) {
              return Stray(value: "\(values[i])", row: number, timestep: (i - start) / timestep)
            }
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
