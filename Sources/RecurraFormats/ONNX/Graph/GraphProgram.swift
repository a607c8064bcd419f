internal import RecurraLayers
internal import RecurraTensor

/// Computes the outputs of a node.
typealias OperatorBody = @Sendable (OperatorCall) throws(RecurraError) -> [ONNXValue]

/// A graph made ready to run: names are places in a list, and nodes stand in an order in which they can be computed.
final class GraphProgram: Sendable {
  /// A node, the places it reads and writes, and those that nothing reads after it.
  struct Step: Sendable {
    let node: ONNXNode
    let body: OperatorBody
    /// −1 for an input that is left out.
    let inputs: [Int]
    let captured: [Int]
    /// −1 for an output that nothing reads.
    let outputs: [Int]
    var released: [Int] = []
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
  let constants: [(place: Int, constant: Constant)]
  let steps: [Step]
  let placeCount: Int

  init(
    inputs: [Port], outputs: [Port], captures: [Int], constants: [(place: Int, constant: Constant)], steps: [Step],
    placeCount: Int
  ) {
    (self.inputs, self.outputs, self.captures, self.constants) = (inputs, outputs, captures, constants)
    (self.steps, self.placeCount) = (Self.releasing(steps, outputs, placeCount), placeCount)
  }

  /// Says after which step each value has been read for the last time.
  private static func releasing(_ steps: [Step], _ outputs: [Port], _ placeCount: Int) -> [Step] {
    var steps = steps
    var seen = [Bool](repeating: false, count: placeCount)
    for output in outputs { seen[output.place] = true }
    for index in steps.indices.reversed() {
      let step = steps[index]
      for place in step.inputs + step.captured + step.outputs where place >= 0 && !seen[place] {
        seen[place] = true
        steps[index].released.append(place)
      }
    }
    return steps
  }

  /// Runs the graph.
  ///
  /// - Parameters:
  ///   - values: A value for each input; nil for an optional input of a function that is left out.
  ///   - captured: A value for each of `captures`.
  func run(_ values: [HeldValue?], captured: [HeldValue], _ run: GraphRun) throws(RecurraError) -> [HeldValue] {
    var held = [HeldValue?](repeating: nil, count: placeCount)
    for (place, constant) in constants {
      switch constant {
      case .value(let value): held[place] = HeldValue(value, version: 0)
      case .parameter(let index, let format):
        let (value, version) = run.context.versioned(run.parameters[index])
        held[place] = HeldValue(.floats(value, format), version: version)
      }
    }
    for (input, value) in zip(inputs, values) { held[input.place] = value }
    for (place, value) in zip(captures, captured) { held[place] = value }
    for step in steps {
      try run.count()
      var capturedValues: [HeldValue] = []
      for place in step.captured {
        guard let value = held[place] else {
          throw step.node.failure(expected: "a value that a graph inside reads", got: "none")
        }
        capturedValues.append(value)
      }
      let call = OperatorCall(
        node: step.node, inputs: step.inputs.map { $0 < 0 ? nil : held[$0] }, captured: capturedValues, run: run)
      let results = try step.body(call)
      for (index, place) in step.outputs.enumerated() where place >= 0 {
        guard index < results.count else {
          throw call.failure(expected: "an output \(index) that nodes read", got: "\(results.count) outputs")
        }
        held[place] = HeldValue(results[index])
      }
      for place in step.released { held[place] = nil }
    }
    var result: [HeldValue] = []
    for output in outputs {
      guard let value = held[output.place] else {
        throw RecurraError(
          .badData, operation: run.operation, expected: "an output \(output.name.excerpt)", got: "none")
      }
      result.append(value)
    }
    return result
  }
}
