internal import RecurraTensor

/// A node of a graph, with its attributes read and the graphs inside it made ready.
final class ONNXNode: Sendable {
  let name: String
  let operatorName: String
  /// The version of the set of operators that the node is read by.
  let version: Int
  let attributes: [String: ONNXAttribute]
  /// Which of the inputs are given; optional ones may be left out.
  let hasInput: [Bool]
  /// Which of the outputs are read.
  let wantsOutput: [Bool]
  /// For each graph inside the node and each value that it takes from around: which of the node's captures that is.
  let captures: [String: [Int]]
  /// What is being read, for errors: "read model.onnx".
  let operation: String
  /// Tells whether equal inputs give equal outputs, and nothing else is read.
  let isRepeatable: Bool

  init(
    name: String, operatorName: String, version: Int, attributes: [String: ONNXAttribute], hasInput: [Bool],
    wantsOutput: [Bool], captures: [String: [Int]], operation: String
  ) {
    (self.name, self.operatorName, self.version) = (name, operatorName, version)
    (self.attributes, self.hasInput, self.wantsOutput) = (attributes, hasInput, wantsOutput)
    (self.captures, self.operation) = (captures, operation)
    switch operatorName {
    case "Dropout", "RandomUniformLike", "RandomNormalLike", "If", "Loop", "Scan": isRepeatable = false
    default: isRepeatable = captures.isEmpty
    }
  }

  var inputCount: Int { hasInput.count }

  /// Names the node in errors.
  var label: String { "node \(name.excerpt) (\(operatorName), opset \(version))" }

  /// An error about what a file says of this node.
  func failure(expected: String, got: String) -> RecurraError {
    RecurraError(.badFile, operation: "\(operation), \(label)", expected: expected, got: got)
  }

  func has(_ input: Int) -> Bool { input < hasInput.count && hasInput[input] }
  func wants(_ output: Int) -> Bool { output < wantsOutput.count && wantsOutput[output] }

  /// Refuses a number of inputs outside a range.
  func expectInputs(_ range: ClosedRange<Int>) throws(RecurraError) {
    guard range.contains(inputCount) else {
      throw failure(expected: "\(range.lowerBound) to \(range.upperBound) inputs", got: "\(inputCount)")
    }
    guard hasInput.prefix(range.lowerBound).allSatisfy({ $0 }) else {
      throw failure(expected: "the first \(range.lowerBound) inputs", got: "one left out")
    }
  }

  private func wrong(_ name: String, _ expected: String) -> RecurraError {
    failure(expected: "an attribute \(name) that is \(expected)", got: "another")
  }

  func integer(_ name: String, default fallback: Int) throws(RecurraError) -> Int {
    try integer(name) ?? fallback
  }

  func integer(_ name: String) throws(RecurraError) -> Int? {
    switch attributes[name] {
    case nil: return nil
    case .integer(let value)?: return value
    default: throw wrong(name, "a whole number")
    }
  }

  func flag(_ name: String, default fallback: Bool = false) throws(RecurraError) -> Bool {
    try integer(name).map { $0 != 0 } ?? fallback
  }

  func number(_ name: String, default fallback: Double) throws(RecurraError) -> Double {
    try number(name) ?? fallback
  }

  func number(_ name: String) throws(RecurraError) -> Double? {
    switch attributes[name] {
    case nil: return nil
    case .number(let value)?: return value
    case .integer(let value)?: return Double(value)
    default: throw wrong(name, "a number")
    }
  }

  func text(_ name: String, default fallback: String) throws(RecurraError) -> String {
    switch attributes[name] {
    case nil: return fallback
    case .text(let value)?: return value
    default: throw wrong(name, "a text")
    }
  }

  func integers(_ name: String) throws(RecurraError) -> [Int]? {
    switch attributes[name] {
    case nil: return nil
    case .integers(let values)?: return values
    default: throw wrong(name, "a list of whole numbers")
    }
  }

  func numbers(_ name: String) throws(RecurraError) -> [Double]? {
    switch attributes[name] {
    case nil: return nil
    case .numbers(let values)?: return values
    default: throw wrong(name, "a list of numbers")
    }
  }

  func texts(_ name: String) throws(RecurraError) -> [String]? {
    switch attributes[name] {
    case nil: return nil
    case .texts(let values)?: return values
    default: throw wrong(name, "a list of texts")
    }
  }

  func tensor(_ name: String) throws(RecurraError) -> ONNXValue? {
    switch attributes[name] {
    case nil: return nil
    case .tensor(let value)?: return value
    default: throw wrong(name, "a tensor")
    }
  }

  func graph(_ name: String) throws(RecurraError) -> GraphProgram {
    guard case .graph(let program)? = attributes[name] else { throw wrong(name, "a graph") }
    return program
  }
}
