internal import RecurraLayers
internal import RecurraTensor

extension OperatorTable {
  /// Graphs inside nodes.
  static let control: [Entry] = [
    Entry("If") { (node) throws(RecurraError) in
      try node.expectInputs(1...1)
      let (yes, no) = (try node.graph("then_branch"), try node.graph("else_branch"))
      return { (call) throws(RecurraError) in
        let condition = try call.array(0)
        guard condition.elements.count == 1 else {
          throw call.failure(expected: "one truth value", got: "shape \(condition.shape)")
        }
        let (program, name) = condition.elements[0] != 0 ? (yes, "then_branch") : (no, "else_branch")
        return try run(call, program, name, []).map(\.value)
      }
    },
    Entry("Loop") { (node) throws(RecurraError) in
      let body = try node.graph("body")
      guard node.inputCount >= 2, body.inputs.count == node.inputCount, body.outputs.count >= node.inputCount - 1 else {
        throw node.failure(
          expected: "a body of as many inputs as the node has", got: "\(body.inputs.count) for \(node.inputCount)")
      }
      return { (call) throws(RecurraError) in try loop(call, body) }
    },
    Entry("Scan", since: 9) { (node) throws(RecurraError) in
      let (body, count) = (try node.graph("body"), try node.integer("num_scan_inputs", default: 1))
      let settings = ScanSettings(
        body: body, scanCount: count, inputAxes: try node.integers("scan_input_axes"),
        inputReversed: try node.integers("scan_input_directions"), outputAxes: try node.integers("scan_output_axes"),
        outputReversed: try node.integers("scan_output_directions"))
      guard count >= 1, count <= node.inputCount, body.inputs.count == node.inputCount,
        body.outputs.count >= node.inputCount - count
      else {
        throw node.failure(
          expected: "a body of as many inputs as the node has", got: "\(body.inputs.count) for \(node.inputCount)")
      }
      return { (call) throws(RecurraError) in try scan(call, settings) }
    },
  ]

  /// Runs a graph inside a node.
  private static func run(
    _ call: OperatorCall, _ program: GraphProgram, _ name: String, _ values: [HeldValue]
  ) throws(RecurraError) -> [HeldValue] {
    guard program.inputs.count == values.count else {
      throw call.failure(expected: "a graph of \(values.count) inputs", got: "\(program.inputs.count)")
    }
    let captured = (call.node.captures[name] ?? []).map { call.captured[$0] }
    return try program.run(values, captured: captured, call.run)
  }

  private static func loop(_ call: OperatorCall, _ body: GraphProgram) throws(RecurraError) -> [ONNXValue] {
    let most = try call.optional(0) == nil ? Int.max : call.integer(0)
    var goesOn = try call.optional(1) == nil ? true : call.scalar(1) != 0
    var states: [HeldValue] = []
    for index in call.inputs.indices.dropFirst(2) { states.append(HeldValue(try call.value(index))) }
    let scanned = body.outputs.count - 1 - states.count
    var collected = [[ONNXValue]](repeating: [], count: scanned)
    var turn = 0
    while goesOn, turn < most {
      // An empty body would go round without a node.
      try call.run.count()
      let counter = ONNXValue.integers(IntegerArray([Int64(turn)], shape: [], format: .int64))
      let condition = ONNXValue.truths([goesOn], shape: [])
      let results = try run(call, body, "body", [HeldValue(counter), HeldValue(condition)] + states)
      guard let flag = results[0].value.doubles.first, results[0].value.count == 1 else {
        throw call.failure(expected: "one truth value from the body", got: "shape \(results[0].value.shape)")
      }
      goesOn = flag != 0
      states = results[1..<(1 + states.count)].map { HeldValue($0.value) }
      for index in 0..<scanned {
        let value = results[1 + states.count + index].value
        try call.require([turn + 1] + value.shape, value.format)
        collected[index].append(value)
      }
      turn += 1
    }
    var outputs = states.map(\.value)
    for (index, values) in collected.enumerated() {
      outputs.append(try stacked(call, values, axis: 0, port: body.outputs[1 + states.count + index]))
    }
    return outputs
  }

  /// Joins the values of all turns along a new axis.
  private static func stacked(
    _ call: OperatorCall, _ values: [ONNXValue], axis: Int, port: GraphProgram.Port
  ) throws(RecurraError) -> ONNXValue {
    guard let first = values.first else {
      // No turn: what the graph says of the shape is all there is.
      let shape = [0] + (port.shape ?? []).map { $0 ?? 0 }
      let format = port.format ?? .float32
      return format.isFloating
        ? .floats(.zeros(shape, dtype: format.dtype), format)
        : .integers(IntegerArray([], shape: shape, format: format))
    }
    guard axis >= -(first.rank + 1), axis <= first.rank,
      values.allSatisfy({ $0.shape == first.shape && $0.format == first.format })
    else {
      throw call.failure(expected: "values of one shape and type from every turn", got: "others than \(first.shape)")
    }
    let place = axis < 0 ? axis + first.rank + 1 : axis
    var shape = first.shape
    shape.insert(values.count, at: place)
    try call.require(shape, first.format)
    var tensors: [Tensor] = []
    var elements: [Int64] = []
    let inner = first.shape[place...].reduce(1, *)
    for value in values {
      if case .floats(let tensor, _) = value { tensors.append(tensor) }
    }
    if !tensors.isEmpty { return .floats(.stacked(tensors, axis: place), first.format) }
    let arrays = values.compactMap { value -> IntegerArray? in
      if case .integers(let array) = value { array } else { nil }
    }
    for row in 0..<first.shape[..<place].reduce(1, *) {
      for array in arrays { elements += array.elements[(row * inner)..<((row + 1) * inner)] }
    }
    return .integers(IntegerArray(elements, shape: shape, format: first.format))
  }

  private struct ScanSettings: Sendable {
    let body: GraphProgram
    let scanCount: Int
    let inputAxes: [Int]?
    let inputReversed: [Int]?
    let outputAxes: [Int]?
    let outputReversed: [Int]?
  }

  private static func scan(_ call: OperatorCall, _ settings: ScanSettings) throws(RecurraError) -> [ONNXValue] {
    func setting(_ list: [Int]?, _ index: Int) -> Int {
      guard let list, index < list.count else { return 0 }
      return list[index]
    }
    let (body, stateCount) = (settings.body, call.inputs.count - settings.scanCount)
    var states: [HeldValue] = []
    for index in 0..<stateCount { states.append(HeldValue(try call.value(index))) }
    var sequences: [(value: ONNXValue, axis: Int)] = []
    var steps: Int?
    for index in 0..<settings.scanCount {
      let value = try call.value(stateCount + index)
      guard value.rank > 0 else { throw call.failure(expected: "an axis to go along", got: "a single number") }
      let axis = try call.axis(setting(settings.inputAxes, index), rank: value.rank)
      guard steps ?? value.shape[axis] == value.shape[axis] else {
        throw call.failure(expected: "sequences of one length", got: "\(steps ?? 0) and \(value.shape[axis])")
      }
      steps = value.shape[axis]
      sequences.append((value, axis))
    }
    let scanned = body.outputs.count - stateCount
    var collected = [[ONNXValue]](repeating: [], count: scanned)
    let count = steps ?? 0
    for step in 0..<count {
      try call.run.count()
      var values = states
      for (index, sequence) in sequences.enumerated() {
        let place = setting(settings.inputReversed, index) == 1 ? count - 1 - step : step
        values.append(HeldValue(taken(sequence.value, [place], shape: [], axis: sequence.axis)))
      }
      let results = try run(call, body, "body", values)
      states = results[..<stateCount].map { HeldValue($0.value) }
      for index in 0..<scanned {
        let value = results[stateCount + index].value
        try call.require([count] + value.shape, value.format)
        collected[index].append(value)
      }
    }
    var outputs = states.map(\.value)
    for (index, values) in collected.enumerated() {
      let ordered = setting(settings.outputReversed, index) == 1 ? values.reversed() : values
      outputs.append(
        try stacked(
          call, ordered, axis: setting(settings.outputAxes, index), port: body.outputs[stateCount + index]))
    }
    return outputs
  }
}
