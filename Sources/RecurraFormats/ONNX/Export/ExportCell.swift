internal import RecurraCells
internal import RecurraLayers
internal import RecurraTensor

/// A cell's step in operators.
struct ExportCell {
  let layer: any RecurrentLayer
  let kind: String
  let settings: ExportSettings
  let units: Int
  /// The numbers of each state.
  let widths: [Int]

  /// - Throws: `badArgument` for a cell that is not known.
  init(_ layer: any RecurrentLayer, _ place: String, _ operation: String) throws(RecurraError) {
    self.layer = layer
    kind = type(of: layer).typeName
    settings = ExportSettings(layer)
    units = layer.options.units
    widths = layer.cell.stateWidths(units: units)
    let known = [
      "SimpleRNN", "LSTM", "GRU", "IndRNN", "MGU", "MinGRU", "MinLSTM", "SLSTM", "LayerNormLSTM", "LayerNormGRU",
    ]
    guard known.contains(kind), layer.kernel != nil else {
      throw RecurraError(
        .badArgument, operation: "\(operation), \(place.excerpt)",
        expected: "a cell among \(known.joined(separator: ", "))", got: kind)
    }
  }

  private func parameter(_ name: String) -> Tensor? { layer.parameters.first { $0.name == name }?.value }

  private func constant(_ exporter: inout ONNXExporter, _ tensor: Tensor?, _ hint: String) -> String {
    exporter.graph.constant(tensor ?? .zeros([1], dtype: exporter.graph.dtype), hint)
  }

  private func function(_ name: String, default standard: Activation) -> Activation {
    settings.activation(name, default: standard)
  }

  private func gates(_ exporter: inout ONNXExporter, _ x: String, _ count: Int) -> [String] {
    count == 1
      ? [x]
      : exporter.graph.node(
        "Split", [x, exporter.graph.list([Int](repeating: units, count: count))], [("axis", .integer(-1))],
        outputs: count)
  }

  private func bound(_ exporter: inout ONNXExporter, _ x: String, _ name: String) -> String {
    settings.number(name).map { exporter.clip(x, -$0, $0) } ?? x
  }

  /// What x brings at every timestep, [B, T, G·H], with the bias that is added to it.
  func entering(_ exporter: inout ONNXExporter, _ x: String) throws(RecurraError) -> String {
    var y = exporter.graph.node("MatMul", [x, constant(&exporter, layer.kernel, "kernel")])
    if kind == "LayerNormLSTM" || kind == "LayerNormGRU" {
      y = try normalized(&exporter, y, "kernel_scale", rank: 3)
      return parameter("bias").map { exporter.graph.node("Add", [y, exporter.graph.constant($0, "bias")]) } ?? y
    }
    guard let bias = layer.bias else { return y }
    let own = bias.rank == 2 ? bias.split([1, 1])[0].squeezed(0).contiguous : bias
    y = exporter.graph.node("Add", [y, exporter.graph.constant(own, "bias")])
    return y
  }

  /// g⊙norm of a product: over all gates, or over a GRU's two gates and over its candidate.
  private func normalized(
    _ exporter: inout ONNXExporter, _ x: String, _ scale: String, rank: Int
  ) throws(RecurraError) -> String {
    let epsilon = settings.number("epsilon") ?? 1e-3
    let g = constant(&exporter, parameter(scale), scale)
    guard kind == "LayerNormGRU" else {
      return exporter.graph.node("Mul", [exporter.normalized(x, [-1], epsilon), g])
    }
    let parts = exporter.graph.node(
      "Split", [x, exporter.graph.list([2 * units, units])], [("axis", .integer(-1))], outputs: 2)
    let normal = parts.map { exporter.normalized($0, [-1], epsilon) }
    return exporter.graph.node("Mul", [exporter.concatenate(normal, axis: -1), g])
  }

  /// The states after a timestep.
  func next(
    _ exporter: inout ONNXExporter, _ x: String, _ states: [String]
  ) throws(RecurraError) -> [String] {
    let made: [String] =
      switch kind {
      case "SimpleRNN": [try simple(&exporter, x, states[0])]
      case "LSTM": try memory(&exporter, x, states)
      case "GRU": [try gated(&exporter, x, states[0])]
      case "IndRNN": [try independent(&exporter, x, states[0])]
      case "MGU": [try minimal(&exporter, x, states[0])]
      case "MinGRU", "MinLSTM": [try mixed(&exporter, x, states[0])]
      case "SLSTM": try exponential(&exporter, x, states)
      case "LayerNormLSTM": try normalizedMemory(&exporter, x, states)
      default: [try normalizedGated(&exporter, x, states[0])]
      }
    let noise = layer.options.noise
    let rates = [noise.zoneout, noise.memoryZoneout]
    return zip(made, states).enumerated().map { index, pair in
      let rate = index < 2 ? rates[index] : 0
      guard rate > 0 else { return pair.0 }
      // Outside training every number is the mean of what it would be.
      return exporter.graph.node(
        "Add", [exporter.multiply(pair.0, 1 - rate), exporter.multiply(pair.1, rate)])
    }
  }

  private func product(_ exporter: inout ONNXExporter, _ h: String) -> String {
    exporter.graph.node("MatMul", [h, constant(&exporter, layer.recurrentKernel, "recurrent_kernel")])
  }

  private func product(_ exporter: inout ONNXExporter, _ h: String, gates: Range<Int>) -> String {
    let columns = layer.recurrentKernel?.sliced(gates.lowerBound * units..<gates.upperBound * units, axis: 1).contiguous
    return exporter.graph.node("MatMul", [h, constant(&exporter, columns, "recurrent_kernel")])
  }

  private func simple(_ exporter: inout ONNXExporter, _ x: String, _ h: String) throws(RecurraError) -> String {
    let sum = exporter.graph.node("Add", [x, product(&exporter, h)])
    return try exporter.apply(function("activation", default: .tanh), bound(&exporter, sum, "clip"))
  }

  private func independent(_ exporter: inout ONNXExporter, _ x: String, _ h: String) throws(RecurraError) -> String {
    let own = exporter.graph.node("Mul", [h, constant(&exporter, parameter("recurrent_kernel"), "u")])
    return try exporter.apply(function("activation", default: .relu), exporter.graph.node("Add", [x, own]))
  }

  /// a + b⊙(c − a).
  private func between(_ exporter: inout ONNXExporter, _ a: String, _ b: String, _ c: String) -> String {
    let difference = exporter.graph.node("Sub", [c, a])
    return exporter.graph.node("Add", [a, exporter.graph.node("Mul", [b, difference])])
  }

  private func minimal(_ exporter: inout ONNXExporter, _ x: String, _ h: String) throws(RecurraError) -> String {
    let x = gates(&exporter, x, 2)
    let argument = exporter.graph.node("Add", [x[0], product(&exporter, h, gates: 0..<1)])
    let f = try exporter.apply(function("recurrent_activation", default: .sigmoid), argument)
    let filtered = product(&exporter, exporter.graph.node("Mul", [f, h]), gates: 1..<2)
    let n = try exporter.apply(
      function("activation", default: .tanh), exporter.graph.node("Add", [x[1], filtered]))
    return between(&exporter, h, f, n)
  }

  private func mixed(_ exporter: inout ONNXExporter, _ x: String, _ h: String) throws(RecurraError) -> String {
    if kind == "MinGRU" {
      let x = gates(&exporter, x, 2)
      let z = try exporter.apply(function("recurrent_activation", default: .sigmoid), x[0])
      return between(&exporter, h, z, try exporter.apply(function("activation", default: .linear), x[1]))
    }
    let x = gates(&exporter, x, 3)
    // Both gates are moved up where both are all but shut, as the engine does.
    let missing = exporter.graph.node(
      "Sub", [exporter.graph.scalar(-40), exporter.graph.node("Max", [x[0], x[1]])])
    let up = exporter.graph.node("Relu", [missing])
    let f = exporter.graph.node("Sigmoid", [exporter.graph.node("Add", [x[0], up])])
    let i = exporter.graph.node("Sigmoid", [exporter.graph.node("Add", [x[1], up])])
    let share = exporter.graph.node("Div", [i, exporter.graph.node("Add", [f, i])])
    return between(&exporter, h, share, try exporter.apply(function("activation", default: .linear), x[2]))
  }

  private func gated(_ exporter: inout ONNXExporter, _ x: String, _ h: String) throws(RecurraError) -> String {
    let inner = function("recurrent_activation", default: .sigmoid)
    let x = gates(&exporter, x, 3)
    var candidate: String
    let z: String
    if settings.flag("reset_after", default: true) {
      var product = product(&exporter, h)
      if let bias = layer.bias, bias.rank == 2 {
        let own = bias.split([1, 1])[1].squeezed(0).contiguous
        product = exporter.graph.node("Add", [product, exporter.graph.constant(own, "recurrent_bias")])
      }
      let u = gates(&exporter, product, 3)
      z = try exporter.apply(inner, bound(&exporter, exporter.graph.node("Add", [x[0], u[0]]), "clip"))
      let r = try exporter.apply(inner, bound(&exporter, exporter.graph.node("Add", [x[1], u[1]]), "clip"))
      candidate = exporter.graph.node("Add", [x[2], exporter.graph.node("Mul", [r, u[2]])])
    } else {
      let u = product(&exporter, h, gates: 0..<2)
      let parts = gates(&exporter, u, 2)
      z = try exporter.apply(inner, bound(&exporter, exporter.graph.node("Add", [x[0], parts[0]]), "clip"))
      let r = try exporter.apply(inner, bound(&exporter, exporter.graph.node("Add", [x[1], parts[1]]), "clip"))
      let filtered = product(&exporter, exporter.graph.node("Mul", [r, h]), gates: 2..<3)
      candidate = exporter.graph.node("Add", [x[2], filtered])
    }
    candidate = try exporter.apply(function("activation", default: .tanh), bound(&exporter, candidate, "clip"))
    return between(&exporter, candidate, z, h)
  }

  private func memory(_ exporter: inout ONNXExporter, _ x: String, _ states: [String]) throws(RecurraError) -> [String]
  {
    let inner = function("recurrent_activation", default: .sigmoid)
    let outer = function("activation", default: .tanh)
    let isCoupled = settings.flag("couple_gates")
    let sum = exporter.graph.node("Add", [x, product(&exporter, states[0])])
    let parts = gates(&exporter, sum, isCoupled ? 3 : 4)
    func gate(_ exporter: inout ONNXExporter, _ index: Int, _ name: String, _ c: String) throws(RecurraError) -> String
    {
      var argument = parts[index]
      if let peephole = parameter("\(name)_peephole") {
        let look = exporter.graph.node("Mul", [c, exporter.graph.constant(peephole, "peephole")])
        argument = exporter.graph.node("Add", [argument, look])
      }
      return try exporter.apply(inner, bound(&exporter, argument, "clip"))
    }
    let i = try gate(&exporter, 0, "input", states[1])
    let f =
      isCoupled
      ? exporter.graph.node("Sub", [exporter.graph.scalar(1), i]) : try gate(&exporter, 1, "forget", states[1])
    let candidate = try exporter.apply(outer, bound(&exporter, parts[isCoupled ? 1 : 2], "clip"))
    let kept = exporter.graph.node("Mul", [f, states[1]])
    let c = bound(
      &exporter, exporter.graph.node("Add", [kept, exporter.graph.node("Mul", [i, candidate])]), "memory_clip")
    let o = try gate(&exporter, isCoupled ? 2 : 3, "output", c)
    let shown = try exporter.apply(function("output_activation", default: outer), c)
    var h = exporter.graph.node("Mul", [o, shown])
    if let projection = parameter("projection_kernel") {
      h = exporter.graph.node("MatMul", [h, exporter.graph.constant(projection, "projection_kernel")])
    }
    return [h, c]
  }

  private func exponential(
    _ exporter: inout ONNXExporter, _ x: String, _ states: [String]
  ) throws(RecurraError) -> [String] {
    let (h, c, n, m) = (states[0], states[1], states[2], states[3])
    let parts = gates(&exporter, exporter.graph.node("Add", [x, product(&exporter, h)]), 4)
    let z = try exporter.apply(function("activation", default: .tanh), parts[2])
    let o = exporter.graph.node("Sigmoid", [parts[3]])
    let forget = settings.flag("exponential_forget") ? parts[1] : try exporter.apply(.logSigmoid, parts[1])
    let kept = exporter.graph.node("Add", [forget, m])
    let zero = exporter.graph.scalar(0)
    let isFirst = exporter.graph.node("Equal", [n, zero])
    let most = exporter.choose(isFirst, parts[0], exporter.graph.node("Max", [parts[0], kept]))
    let i = exporter.graph.node("Exp", [exporter.graph.node("Sub", [parts[0], most])])
    // A memory of nothing keeps nothing, whatever the difference would be.
    let difference = exporter.choose(isFirst, zero, exporter.graph.node("Sub", [kept, most]))
    let f = exporter.choose(isFirst, zero, exporter.graph.node("Exp", [difference]))
    let newC = exporter.graph.node(
      "Add", [exporter.graph.node("Mul", [f, c]), exporter.graph.node("Mul", [i, z])])
    let newN = exporter.graph.node("Add", [exporter.graph.node("Mul", [f, n]), i])
    let newH = exporter.graph.node("Div", [exporter.graph.node("Mul", [o, newC]), newN])
    return [newH, newC, newN, most]
  }

  private func normalizedMemory(
    _ exporter: inout ONNXExporter, _ x: String, _ states: [String]
  ) throws(RecurraError) -> [String] {
    let inner = function("recurrent_activation", default: .sigmoid)
    let outer = function("activation", default: .tanh)
    let own = try normalized(&exporter, product(&exporter, states[0]), "recurrent_scale", rank: 2)
    let parts = gates(&exporter, exporter.graph.node("Add", [x, own]), 4)
    let (i, f) = (try exporter.apply(inner, parts[0]), try exporter.apply(inner, parts[1]))
    let (candidate, o) = (try exporter.apply(outer, parts[2]), try exporter.apply(inner, parts[3]))
    let kept = exporter.graph.node("Mul", [f, states[1]])
    let c = exporter.graph.node("Add", [kept, exporter.graph.node("Mul", [i, candidate])])
    let normal = exporter.normalized(c, [-1], settings.number("epsilon") ?? 1e-3)
    let scaled = exporter.graph.node("Mul", [normal, constant(&exporter, parameter("memory_scale"), "scale")])
    let shown = exporter.graph.node("Add", [scaled, constant(&exporter, parameter("memory_offset"), "offset")])
    return [exporter.graph.node("Mul", [o, try exporter.apply(outer, shown)]), c]
  }

  private func normalizedGated(
    _ exporter: inout ONNXExporter, _ x: String, _ h: String
  ) throws(RecurraError) -> String {
    let inner = function("recurrent_activation", default: .sigmoid)
    let own = try normalized(&exporter, product(&exporter, h), "recurrent_scale", rank: 2)
    let (a, u) = (gates(&exporter, x, 3), gates(&exporter, own, 3))
    let z = try exporter.apply(inner, exporter.graph.node("Add", [a[0], u[0]]))
    let r = try exporter.apply(inner, exporter.graph.node("Add", [a[1], u[1]]))
    var brought = u[2]
    if let bias = parameter("recurrent_bias") {
      brought = exporter.graph.node("Add", [brought, exporter.graph.constant(bias, "recurrent_bias")])
    }
    let argument = exporter.graph.node("Add", [a[2], exporter.graph.node("Mul", [r, brought])])
    let n = try exporter.apply(function("activation", default: .tanh), argument)
    return between(&exporter, n, z, h)
  }
}
