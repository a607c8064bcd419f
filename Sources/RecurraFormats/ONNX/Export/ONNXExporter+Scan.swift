internal import RecurraCells
internal import RecurraLayers
internal import RecurraTensor

/// Recurrent layers as a Scan: every cell, and every mask.
extension ONNXExporter {
  /// Says a layer; what x brings to the gates is computed for all timesteps at once.
  mutating func scan(
    _ layer: any RecurrentLayer, _ x: ExportValue, _ initial: [String], padsWithZeros: Bool
  ) throws(RecurraError) -> Direction {
    let cell = try ExportCell(layer, place, operation)
    let entering = try cell.entering(&self, x.name)
    let width = cell.widths[0]
    let type = ONNXGraphBuilder.type(graph.dtype)
    let stateNames = cell.widths.map { _ in graph.fresh("state") }
    let (previous, step, flag) = (graph.fresh("output"), graph.fresh("step"), graph.fresh("counts"))
    var inputs = (stateNames + [previous, step]).map { ONNXGraphBuilder.value($0, type, nil) }
    if x.mask != nil { inputs.append(ONNXGraphBuilder.value(flag, 9, nil)) }
    let keepsMemories = layer.options.returnMemories && cell.widths.count > 1
    let (place, operation) = (place, operation)
    let body = try graph.subgraph(graph.fresh("timestep"), inputs: inputs) { (inner) throws(RecurraError) in
      var exporter = ONNXExporter(graph: inner, place: place, operation: operation)
      var states = try cell.next(&exporter, step, stateNames)
      var output = states[0]
      if x.mask != nil {
        let counts = exporter.unsqueeze(flag, [1])
        let padding = padsWithZeros ? exporter.graph.scalar(0) : previous
        output = exporter.choose(counts, output, padding)
        states = zip(states, stateNames).map { exporter.choose(counts, $0, $1) }
      }
      // What is given out must have names of its own, also where it is a state as well.
      let carried = padsWithZeros && x.mask != nil ? states[0] : output
      let named = (states + [carried, output] + (keepsMemories ? [states[1]] : [])).map {
        exporter.graph.node("Identity", [$0])
      }
      inner = exporter.graph
      return named.map { ONNXGraphBuilder.value($0, type, nil) }
    }
    let isReversed = layer.options.goBackwards
    let start = zeros(rowsOf: x.name, [width])
    let scans = 1 + (keepsMemories ? 1 : 0)
    let direction = isReversed ? 1 : 0
    let inputCount = x.mask == nil ? 1 : 2
    let results = graph.node(
      "Scan", initial + [start, entering] + (x.mask.map { [$0] } ?? []),
      [
        ("body", .graph(body)), ("num_scan_inputs", .integer(inputCount)),
        ("scan_input_axes", .integers([Int](repeating: 1, count: inputCount))),
        ("scan_input_directions", .integers([Int](repeating: direction, count: inputCount))),
        ("scan_output_axes", .integers([Int](repeating: 1, count: scans))),
        ("scan_output_directions", .integers([Int](repeating: direction, count: scans))),
      ], outputs: cell.widths.count + 1 + scans)
    let count = cell.widths.count
    return Direction(
      sequence: results[count + 1], memories: keepsMemories ? results[count + 2] : nil, last: results[count],
      states: Array(results[..<count]))
  }
}
