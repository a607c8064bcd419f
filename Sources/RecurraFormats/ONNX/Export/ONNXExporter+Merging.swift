internal import RecurraLayers
internal import RecurraTensor

/// The layers of several inputs.
extension ONNXExporter {
  /// Says a layer; nil for one that is not known.
  mutating func merging(
    _ layer: any Layer, _ inputs: [ExportValue], _ settings: ExportSettings
  ) throws(RecurraError) -> String? {
    let kind = type(of: layer).typeName
    if kind == "Concatenate" {
      return concatenate(inputs.map(\.name), axis: settings.integer("axis") ?? -1)
    }
    let operations = ["Add": "Add", "Subtract": "Sub", "Multiply": "Mul", "Maximum": "Max", "Minimum": "Min"]
    if let operation = operations[kind] ?? (kind == "Average" ? "Add" : nil) {
      guard inputs.allSatisfy({ $0.mask == nil }) || kind == "Add" && inputs.allSatisfy({ $0.mask == inputs[0].mask })
      else { throw failure("inputs without masks", "masked ones") }
      let rank = inputs.map(\.shape.count).max() ?? 0
      var names: [String] = []
      for input in inputs {
        // Keras puts missing axes behind the batch.
        let missing = rank - input.shape.count
        names.append(missing == 0 ? input.name : unsqueeze(input.name, Array(1..<(1 + missing))))
      }
      var result = names[0]
      for name in names.dropFirst() { result = graph.node(operation, [result, name]) }
      return kind == "Average" ? multiply(result, 1 / Double(inputs.count)) : result
    }
    guard inputs.allSatisfy({ $0.mask == nil }) else { throw failure("inputs without masks", "masked ones") }
    switch kind {
    case "Softmax" where inputs.count == 1: return try preserving(layer, inputs[0], settings)
    case "Dot": return try dot(inputs, settings)
    case "Attention", "AdditiveAttention": return try attention(layer, inputs, settings)
    default: return nil
    }
  }

  /// The mask of what inputs make together.
  func commonMask(_ layer: any Layer, _ inputs: [ExportValue]) throws(RecurraError) -> String? {
    let masks = inputs.map(\.mask)
    if masks.allSatisfy({ $0 == nil }) || masks.contains(nil) { return nil }
    guard masks.allSatisfy({ $0 == masks[0] }) else { throw failure("inputs of one mask", "several masks") }
    return masks[0]
  }

  private mutating func dot(_ inputs: [ExportValue], _ settings: ExportSettings) throws(RecurraError) -> String {
    let axes = settings.integers("axes")
    guard inputs.count == 2, axes.count == 2 else { throw failure("two inputs and axes", "others") }
    var sides: [String] = []
    for (input, axis) in zip(inputs, axes) {
      var name = input.name
      if settings.flag("normalize") {
        let square = sum(graph.node("Mul", [name, name]), [axis])
        name = graph.node("Div", [name, graph.node("Sqrt", [graph.node("Max", [square, graph.scalar(1e-12)])])])
      }
      sides.append(name)
    }
    let places = zip(inputs, axes).map { $1 < 0 ? $1 + $0.shape.count : $1 }
    let ranks = inputs.map(\.shape.count)
    guard ranks.allSatisfy({ (2...3).contains($0) }) else { throw failure("inputs of two or three axes", "others") }
    // [B, M, K] by [B, K, N], where a row is a matrix of one row or column.
    var left = ranks[0] == 2 ? unsqueeze(sides[0], [1]) : places[0] == 1 ? transpose(sides[0], [0, 2, 1]) : sides[0]
    let right = ranks[1] == 2 ? unsqueeze(sides[1], [2]) : places[1] == 2 ? transpose(sides[1], [0, 2, 1]) : sides[1]
    left = graph.node("MatMul", [left, right])
    switch (ranks[0], ranks[1]) {
    case (2, 2): return squeeze(left, [2])
    case (2, 3): return squeeze(left, [1])
    case (3, 2): return squeeze(left, [2])
    default: return left
    }
  }

  /// Attention of queries to values by keys.
  private mutating func attention(
    _ layer: any Layer, _ inputs: [ExportValue], _ settings: ExportSettings
  ) throws(RecurraError) -> String {
    guard layer.outputCount == 1, inputs.count >= 2 else { throw failure("the output alone", "scores as well") }
    let (query, value) = (inputs[0].name, inputs[1].name)
    let key = inputs.count > 2 ? inputs[2].name : value
    let weights = layer.weights
    var scores: String
    if type(of: layer).typeName == "AdditiveAttention" || settings.text("score_mode") == "concat" {
      let sums = graph.node("Tanh", [graph.node("Add", [unsqueeze(query, [2]), unsqueeze(key, [1])])])
      let isAdditive = type(of: layer).typeName == "AdditiveAttention"
      scores = sum(
        weights.isEmpty
          ? sums : graph.node("Mul", [sums, graph.constant(weights[isAdditive ? 0 : weights.count - 1])]),
        [-1], keeps: false)
      guard isAdditive else { throw failure("score_mode dot", "concat") }
    } else {
      scores = graph.node("MatMul", [query, transpose(key, [0, 2, 1])])
      if let scale = weights.first { scores = graph.node("Mul", [scores, graph.constant(scale)]) }
    }
    let shares = graph.node("Softmax", [scores], [("axis", .integer(-1))])
    return graph.node("MatMul", [shares, value])
  }
}
