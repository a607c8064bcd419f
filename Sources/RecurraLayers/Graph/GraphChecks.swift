internal import RecurraTensor

extension GraphPlan {
  /// Checks a graph and puts it in order.
  ///
  /// - Throws: `badArgument` for a cycle, an input that is missing or that no output depends on, a layer that no output
  ///   depends on, an output that a layer does not have, a layer in two places, and names that are not unique.
  init(_ draft: GraphDraft) throws(RecurraError) {
    try draft.checkEnds()
    try draft.checkSources()
    let order = try GraphOrder(draft)
    let reached = Set(order.nodes)
    if let unused = draft.nodes.indices.first(where: { !reached.contains($0) }) {
      let kind = draft.nodes[unused].layer == nil ? "inputs" : "layers"
      throw GraphDraft.failure("\(kind) that outputs depend on", got: "\(draft.text(unused)), on which none does")
    }
    let known = Set(draft.inputs)
    if let missing = order.nodes.first(where: { draft.nodes[$0].layer == nil && !known.contains($0) }) {
      throw GraphDraft.failure("all inputs that outputs depend on", got: "none for \(draft.text(missing))")
    }
    let rows = order.rows
    let positions = rows.compactMap { row in if case .layer(let position) = row { position } else { nil } }
    layers = positions.map { draft.layers[$0] }
    try Self.checkPlaces(layers.map(\.layer))

    let names = Self.names(draft, positions)
    inputs = Self.entrances(draft, besides: names)
    try Self.checkNames(inputs.map(\.name) + names)
    (layerNames, passesStates) = (names, false)

    let places = Dictionary(uniqueKeysWithValues: positions.enumerated().map { ($1, $0) })
    let callNodes = order.nodes.filter { draft.nodes[$0].layer != nil }
    var numbers = Dictionary(uniqueKeysWithValues: draft.inputs.enumerated().map { ($1, $0) })
    for (index, node) in callNodes.enumerated() { numbers[node] = draft.inputs.count + index }
    func renumbered(_ source: Source) -> Source { Source(node: numbers[source.node] ?? 0, output: source.output) }
    let callNumbers = Self.callNumbers(draft, callNodes)
    let calls = callNodes.map { node in
      Call(
        layer: draft.nodes[node].layer.flatMap { places[$0] } ?? 0, number: callNumbers[node] ?? 0,
        inputs: draft.nodes[node].inputs.map(renumbered))
    }
    let outputs = draft.outputs.map(renumbered)
    self.rows = rows.map { row in
      switch row {
      case .input(let node): .input(numbers[node] ?? 0)
      case .layer(let position): .layer(places[position] ?? 0)
      }
    }
    var taken: [String: Int] = [:]
    var outputNames: [String] = []
    for output in outputs {
      let node = output.node - inputs.count
      let name = node < 0 ? inputs[output.node].name : names[calls[node].layer]
      let count = taken[name, default: 0]
      taken[name] = count + 1
      outputNames.append(count == 0 ? name : "\(name)_\(count)")
    }
    self.outputNames = outputNames
    (inputKeys, outputKeys) = (draft.inputKeys, draft.outputKeys)
    (self.calls, self.outputs) = (calls, outputs)
    callsOfLayers = Dictionary(grouping: calls.indices) { calls[$0].layer }.sorted { $0.key < $1.key }
      .map { $0.value.sorted { calls[$0].number < calls[$1].number } }
  }

  /// Names the layers at some positions; those without a name are numbered in the order of their first calls.
  private static func names(_ draft: GraphDraft, _ positions: [Int]) -> [String] {
    var serials: [Int: Int] = [:]
    for node in draft.nodes {
      if let layer = node.layer { serials[layer] = min(serials[layer] ?? node.serial, node.serial) }
    }
    let ordered = positions.sorted { (serials[$0] ?? 0) < (serials[$1] ?? 0) }
    let names = LayerNames.names(for: ordered.map { draft.layers[$0] })
    let byPosition = Dictionary(uniqueKeysWithValues: zip(ordered, names))
    return positions.map { byPosition[$0] ?? "" }
  }

  /// Numbers the calls of each layer, by their nodes.
  private static func callNumbers(_ draft: GraphDraft, _ nodes: [Int]) -> [Int: Int] {
    var (numbers, counts) = ([Int: Int](), [Int: Int]())
    for node in nodes.sorted(by: { draft.nodes[$0].serial < draft.nodes[$1].serial }) {
      guard let layer = draft.nodes[node].layer else { continue }
      numbers[node] = counts[layer, default: 0]
      counts[layer, default: 0] += 1
    }
    return numbers
  }

  private static func entrances(_ draft: GraphDraft, besides names: [String]) -> [Entrance] {
    var taken = Set(names + draft.inputs.compactMap { draft.nodes[$0].name })
    var count = 0
    return draft.inputs.map { node in
      var name = draft.nodes[node].name
      while name == nil {
        let candidate = count == 0 ? "input_layer" : "input_layer_\(count)"
        count += 1
        if taken.insert(candidate).inserted { name = candidate }
      }
      return Entrance(name: name ?? "", shape: draft.nodes[node].shape)
    }
  }

  /// Refuses names that stand twice, and those that cannot stand in the path of a parameter.
  private static func checkNames(_ names: [String]) throws(RecurraError) {
    var seen: Set<[UInt8]> = []
    for name in names {
      guard !name.isEmpty, !name.contains("/") else {
        throw GraphDraft.failure("names without \"/\"", got: name.excerpt)
      }
      guard seen.insert(Array(name.utf8)).inserted else {
        throw GraphDraft.failure("names that differ", got: "\(name.excerpt) twice")
      }
    }
  }

  /// Refuses a layer that stands in two models of the graph: its parameters would be trained twice.
  private static func checkPlaces(_ layers: [any Layer]) throws(RecurraError) {
    var seen: Set<ObjectIdentifier> = []
    var pending = layers
    while let layer = pending.popLast() {
      guard seen.insert(ObjectIdentifier(layer)).inserted else {
        throw GraphDraft.failure(
          "each layer in one model of the graph", got: "one \(type(of: layer).typeName) in two places")
      }
      pending += layer.sublayers.map(\.layer)
    }
  }
}

extension GraphDraft {
  fileprivate func checkEnds() throws(RecurraError) {
    guard !inputs.isEmpty else { throw Self.failure("at least one input", got: "none") }
    guard !outputs.isEmpty else { throw Self.failure("at least one output", got: "none") }
    if let wrong = inputs.first(where: { nodes[$0].layer != nil }) {
      throw Self.failure("inputs made by Input(shape:)", got: "the output of \(text(wrong))")
    }
    guard Set(inputs).count == inputs.count else { throw Self.failure("each input once", got: "one twice") }
    guard Set(outputs).count == outputs.count else { throw Self.failure("each output once", got: "one twice") }
    if let empty = nodes.indices.first(where: { nodes[$0].layer != nil && nodes[$0].inputs.isEmpty }) {
      throw Self.failure("inputs for \(text(empty))", got: "none")
    }
  }

  fileprivate func checkSources() throws(RecurraError) {
    let counts = layers.map(\.layer.outputCount)
    for source in nodes.flatMap(\.inputs) + outputs {
      let count = nodes[source.node].layer.map { counts[$0] } ?? 1
      guard (0..<count).contains(source.output) else {
        throw Self.failure("one of \(count) outputs of \(text(source.node))", got: "number \(source.output)")
      }
    }
  }
}
