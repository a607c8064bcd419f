internal import RecurraLayers
internal import RecurraTensor

/// Computes the outputs of a node.
typealias OperatorBody = @Sendable (OperatorCall) throws(RecurraError) -> [ONNXValue]

/// A graph made ready to run: names are places in a list, and nodes stand in an order in which they can be computed.
final class GraphProgram: Sendable {
  /// A node, and the places it reads and writes.
  final class Step: Sendable {
    let node: ONNXNode
    let body: OperatorBody
    /// −1 for an input that is left out.
    let inputs: [Int]
    let captured: [Int]
    /// −1 for an output that nothing reads.
    let outputs: [Int]
    /// What the step gave of inputs that are the same in every run.
    let kept = KeptResults()

    init(node: ONNXNode, body: @escaping OperatorBody, inputs: [Int], captured: [Int], outputs: [Int]) {
      (self.node, self.body) = (node, body)
      (self.inputs, self.captured, self.outputs) = (inputs, captured, outputs)
    }
  }

  enum Constant: Sendable {
    case value(ONNXValue)
    case parameter(Int, ElementFormat)
  }

  /// What is said of an input or output.
  struct Port: Sendable {
    let name: String
    let place: Int
    let format: ElementFormat?
    /// nil where the rank is not known; an extent is nil where it has a name or nothing.
    let shape: [Int?]?
  }

  let inputs: [Port]
  let outputs: [Port]
  /// Places of values from around, in the order in which a call gives them.
  let captures: [Int]
  /// Constants by their places; they are read where they are, and never copied for a run.
  private let values: [HeldValue?]
  private let parameters: [(place: Int, index: Int, format: ElementFormat)]
  let steps: [Step]
  let placeCount: Int
  /// For each step the places that nothing reads after it.
  private let released: [[Int]]

  init(
    inputs: [Port], outputs: [Port], captures: [Int], constants: [(place: Int, constant: Constant)], steps: [Step],
    placeCount: Int
  ) {
    (self.inputs, self.outputs, self.captures) = (inputs, outputs, captures)
    var values = [HeldValue?](repeating: nil, count: placeCount)
    var parameters: [(place: Int, index: Int, format: ElementFormat)] = []
    for (place, constant) in constants {
      switch constant {
      case .value(let value): values[place] = HeldValue(value, version: 0)
      case .parameter(let index, let format): parameters.append((place, index, format))
      }
    }
    (self.values, self.parameters) = (values, parameters)
    (self.steps, self.placeCount) = (steps, placeCount)
    released = Self.released(steps, outputs, placeCount)
  }

  /// Says after which step each value has been read for the last time.
  private static func released(_ steps: [Step], _ outputs: [Port], _ placeCount: Int) -> [[Int]] {
    var released = [[Int]](repeating: [], count: steps.count)
    var seen = [Bool](repeating: false, count: placeCount)
    for output in outputs { seen[output.place] = true }
    for index in steps.indices.reversed() {
      let step = steps[index]
      for place in step.inputs + step.captured + step.outputs where place >= 0 && !seen[place] {
        seen[place] = true
        released[index].append(place)
      }
    }
    return released
  }

  private func value(at place: Int, _ held: [HeldValue?]) -> HeldValue? {
    place < 0 ? nil : held[place] ?? values[place]
  }

  /// Runs the graph.
  ///
  /// - Parameters:
  ///   - values: A value for each input; nil for an optional input of a function that is left out.
  ///   - captured: A value for each of `captures`.
  func run(_ values: [HeldValue?], captured: [HeldValue], _ run: GraphRun) throws(RecurraError) -> [HeldValue] {
    var held = [HeldValue?](repeating: nil, count: placeCount)
    for (place, index, format) in parameters {
      let (value, version) = run.context.versioned(run.parameters[index])
      held[place] = HeldValue(.floats(value, format), version: version)
    }
    for (input, value) in zip(inputs, values) { held[input.place] = value }
    for (place, value) in zip(captures, captured) { held[place] = value }
    for (index, step) in steps.enumerated() {
      try run.count()
      var capturedValues: [HeldValue] = []
      for place in step.captured {
        guard let value = value(at: place, held) else {
          throw step.node.failure(expected: "a value that a graph inside reads", got: "none")
        }
        capturedValues.append(value)
      }
      let call = OperatorCall(
        node: step.node, inputs: step.inputs.map { value(at: $0, held) }, captured: capturedValues, run: run)
      let version = step.node.isRepeatable ? call.version : nil
      let results = try step.results(call, version)
      for result in results where result.count >= 1_024 { try run.count(elements: result.count) }
      for (output, place) in step.outputs.enumerated() where place >= 0 {
        guard output < results.count else {
          throw call.failure(expected: "an output \(output) that nodes read", got: "\(results.count) outputs")
        }
        held[place] = HeldValue(results[output], version: version)
      }
      for place in released[index] { held[place] = nil }
    }
    var result: [HeldValue] = []
    for output in outputs {
      guard let value = value(at: output.place, held) else {
        throw RecurraError(
          .badData, operation: run.operation, expected: "an output \(output.name.excerpt)", got: "none")
      }
      result.append(value)
    }
    return result
  }
}

extension GraphProgram {
  /// What a step gave of inputs of one version.
  final class KeptResults: Sendable {
    private let last = Guarded<(version: Int, results: [ONNXValue])?>(nil)

    func results(_ version: Int) -> [ONNXValue]? {
      last.withLock { last in last.flatMap { $0.version == version ? $0.results : nil } }
    }

    func keep(_ results: [ONNXValue], _ version: Int) { _ = last.exchange((version, results)) }
  }
}

extension GraphProgram.Step {
  /// Computes the outputs, once for inputs that stay the same: weights that a file turns and cuts before they are used.
  fileprivate func results(_ call: OperatorCall, _ version: Int?) throws(RecurraError) -> [ONNXValue] {
    guard let version, !call.run.context.isRecording else { return try body(call) }
    if let results = kept.results(version) { return results }
    let results = try body(call)
    kept.keep(results, version)
    return results
  }
}

extension OperatorCall {
  /// The number of changes that all inputs have seen together; nil where one is computed anew in every run.
  ///
  /// Changes are counted and never taken back, so that equal sums mean equal numbers.
  fileprivate var version: Int? {
    guard !inputs.isEmpty else { return nil }
    var sum = 0
    for input in inputs {
      guard let input else { continue }
      guard let version = input.version else { return nil }
      sum &+= version
    }
    return sum
  }
}
