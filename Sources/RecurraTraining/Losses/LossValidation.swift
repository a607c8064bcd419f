package import RecurraLayers
package import RecurraTensor

extension Loss {
  /// Checks that every setting lies in its range.
  ///
  /// - Throws: `badArgument` for a delta that is not above 0, and for a label smoothing outside 0…1.
  package func validate() throws(RecurraError) {
    let (isWithin, expected, got): (Bool, String, Double)
    switch kind {
    case .huber(let delta): (isWithin, expected, got) = (delta.isFinite && delta > 0, "a finite delta above 0", delta)
    case .categorical(_, let smoothing), .binary(_, let smoothing):
      (isWithin, expected, got) = ((0...1).contains(smoothing), "a label smoothing in 0…1", smoothing)
    case .circle(let circle):
      try OptimizerSetting("gamma", circle.gamma, .positive).validate(name)
      try OptimizerSetting("margin", circle.margin, .notNegative).validate(name)
      return
    case .formula(let formula):
      for number in formula.numbers {
        try OptimizerSetting(number.name, number.value, number.range).validate(name)
      }
      return
    default: return
    }
    guard isWithin else { throw RecurraError(.badArgument, operation: name, expected: expected, got: "\(got)") }
  }

  /// Checks targets against the shape of the model's output; a loss of one's own takes any shape.
  ///
  /// - Parameters:
  ///   - output: the model's output shape; an extent that is not known fits any.
  ///   - mask: which timesteps count; labels of others are never looked at.
  /// - Throws: `badData` for another shape, and for labels that are neither among the classes nor the ignored one.
  package func validate(
    targets: Tensor, output: [Int?], mask: SequenceMask = .all, operation: String
  ) throws(RecurraError) {
    if case .function = kind { return }
    if case .ctc = kind { return try validateSequences(targets, output, operation) }
    if case .circle = kind { return try validatePairs(targets, output, operation) }
    let expected = Array(takesLabels ? output.dropFirst().dropLast() : output.dropFirst())
    guard output.count > 1 || !takesLabels, Pairing.fits(targets.shape.dropFirst(), expected) else {
      let wanted = ["B"] + (expected.last == 1 ? expected.dropLast() : expected[...]).map { $0.map(String.init) ?? "?" }
      throw RecurraError(
        .badData, operation: operation,
        expected: "y of shape [\(wanted.joined(separator: ", "))] for \(name) of \(text(of: output))",
        got: "\(targets.shape)")
    }
    if takesLabels, let classes = output.last ?? nil {
      try targets.checkIntegers(
        below: classes, "labels", of: "y", ignoring: ignoreClass, mask: output.count > 2 ? mask : .all,
        hasTimesteps: output.count > 2, operation)
    }
  }
}

extension Loss {
  private func validateSequences(_ targets: Tensor, _ output: [Int?], _ operation: String) throws(RecurraError) {
    guard output.count == 3, targets.rank == 2 else {
      throw RecurraError(
        .badData, operation: operation, expected: "y [B, L] and an output [B, T, C] for \(name)",
        got: "\(targets.shape) and \(text(of: output))")
    }
    if let classes = output[2] {
      try targets.checkIntegers(below: classes, "labels", of: "y", hasTimesteps: false, operation)
    }
  }
}

extension Loss {
  private func validatePairs(_ targets: Tensor, _ output: [Int?], _ operation: String) throws(RecurraError) {
    guard output.count == 2, Pairing.fits(targets.shape.dropFirst(), []) else {
      throw RecurraError(
        .badData, operation: operation, expected: "y [B] and an output [B, D] for \(name)",
        got: "\(targets.shape) and \(text(of: output))")
    }
  }
}

extension Metric {
  /// Checks targets against the shape of the model's output; a metric of one's own takes any shape.
  ///
  /// - Throws: `badData` for targets that the metric cannot compare with the output.
  package func validate(targets: Tensor, output: [Int?], operation: String) throws(RecurraError) {
    var fault: (expected: String, got: String)?
    switch kind {
    case .function, .sums: return
    case .loss(let metric): try metric.loss.validate()
    case .counts(_, let counts): fault = counts.fault(width: output.count > 1 ? output.last ?? nil : 1)
    case .topK(let k, _) where k < 1: fault = ("a k of 1 or more", "\(k)")
    case .binaryAccuracy(let threshold) where !threshold.isFinite: fault = ("a finite threshold", "\(threshold)")
    default: break
    }
    if let fault { throw RecurraError(.badArgument, operation: name, expected: fault.expected, got: fault.got) }
    let rows = Array(output.dropFirst().dropLast())
    let isSparse: Bool
    switch kind {
    case .accuracy where output.last != 1 && output.count > 1:
      isSparse = targets.rank < output.count || targets.shape.last == 1
    default: isSparse = kind.takesLabels
    }
    let expected = isSparse ? rows : Array(output.dropFirst())
    guard Pairing.fits(targets.shape.dropFirst(), expected) else {
      let wanted = ["B"] + expected.map { $0.map(String.init) ?? "?" }
      throw RecurraError(
        .badData, operation: operation,
        expected: "y of shape [\(wanted.joined(separator: ", "))] for \(name) of \(text(of: output))",
        got: "\(targets.shape)")
    }
  }
}

extension Pairing {
  /// Tells whether extents are those expected, apart from axes of extent 1; an extent that is not known is any.
  static func fits(_ extents: ArraySlice<Int>, _ expected: [Int?]) -> Bool {
    let (found, wanted) = (extents.filter { $0 != 1 }, expected.filter { $0 != 1 })
    return found.count == wanted.count && zip(found, wanted).allSatisfy { $1 == nil || $0 == $1 }
  }
}
