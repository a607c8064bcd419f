internal import RecurraLayers
internal import RecurraTensor

/// The layers that give another shape, or another mask.
extension ONNXExporter {
  /// Says a layer; nil for one that is not known.
  mutating func reshaping(
    _ layer: any Layer, _ x: ExportValue, _ settings: ExportSettings, _ shape: [Int?]
  ) throws(RecurraError) -> ExportValue? {
    var result = x
    // What follows time no longer has no timesteps that could count or not.
    result.mask = nil
    switch type(of: layer).typeName {
    case "Dense":
      result.name = try dense(x.name, layer.weights, settings)
      result.mask = x.mask
    case "Embedding":
      result.name = graph.node("Gather", [graph.constant(layer.weights[0], "table"), x.name])
      result.mask = x.mask
      if settings.flag("mask_zero") {
        let isPadding = graph.node("Equal", [x.name, graph.constant(Tensor([0] as [Int32]), "padding")])
        result.mask = graph.node("Not", [isPadding])
      }
    case "Masking":
      let differs = graph.node(
        "Not", [graph.node("Equal", [x.name, graph.scalar(settings.number("mask_value") ?? 0)])])
      let counts = graph.node(
        "ReduceMax", [numbers(differs)], [("axes", .integers([2])), ("keepdims", .integer(1))])
      result.name = graph.node("Mul", [x.name, counts])
      result.mask = squeeze(graph.node("Greater", [counts, graph.scalar(0)]), [2])
    case "TimeDistributed": result = try distributed(layer, x, shape)
    case "Flatten": result.name = try flattened(x, shape)
    case "Reshape":
      let target = shape.dropFirst()
      guard target.filter({ $0 == nil }).count <= 1 else { throw failure("at most one open extent", text(of: shape)) }
      let rows = extents(x.name, 0..<1)
      result.name = graph.node(
        "Reshape", [x.name, concatenate([rows, graph.list(target.map { $0 ?? -1 })], axis: 0)])
    case "Permute": result.name = transpose(x.name, [0] + settings.integers("dims"))
    case "RepeatVector":
      let count = settings.integer("n") ?? 1
      result.name = graph.node("Tile", [unsqueeze(x.name, [1]), graph.list([1, count, 1])])
    case "ZeroPadding1D":
      let sides = settings.integers("padding")
      result.name = graph.node("Pad", [x.name, graph.list([0, sides[0], 0, 0, sides[1], 0])])
    case "Cropping1D":
      let sides = settings.integers("cropping")
      result.name = slice(x.name, sides[0], sides[1] == 0 ? Int(Int32.max) : -sides[1], axis: 1)
    case "UpSampling1D":
      let count = settings.integer("size") ?? 1
      let repeated = graph.node("Tile", [unsqueeze(x.name, [2]), graph.list([1, 1, count, 1])])
      guard let features = shape[2] else { throw failure("a known number of features", text(of: shape)) }
      let rows = extents(x.name, 0..<1)
      result.name = graph.node("Reshape", [repeated, concatenate([rows, graph.list([-1, features])], axis: 0)])
    case "LastTimestep": result.name = squeeze(slice(x.name, -1, Int(Int32.max), axis: 1), [1])
    case "GlobalMaxPooling1D", "GlobalAveragePooling1D": result.name = pooledOverTime(layer, x, settings)
    case "MaxPooling1D", "AveragePooling1D": result.name = pooled(layer, x, settings)
    case "Conv1D", "DepthwiseConv1D", "SeparableConv1D": result.name = try convolved(layer, x, settings)
    default: return nil
    }
    return result
  }

  /// x·W + b, and a function.
  mutating func dense(_ x: String, _ weights: [Tensor], _ settings: ExportSettings) throws(RecurraError) -> String {
    var y = graph.node("MatMul", [x, graph.constant(weights[0], "kernel")])
    if weights.count > 1 { y = graph.node("Add", [y, graph.constant(weights[1], "bias")]) }
    return try apply(settings.activation("activation"), y)
  }

  /// x·Eᵀ + b with an embedding's table.
  mutating func tied(_ layer: TiedDense, _ x: ExportValue, _ model: any Network) throws(RecurraError) -> String {
    guard let table = layer.tie?.layer?.weights.first else { throw failure("an embedding of the same model", "none") }
    var y = graph.node("MatMul", [x.name, graph.constant(table.transposed().contiguous, "kernel")])
    if let bias = layer.weights.first { y = graph.node("Add", [y, graph.constant(bias, "bias")]) }
    return try apply(layer.activation, y)
  }

  private mutating func flattened(_ x: ExportValue, _ shape: [Int?]) throws(RecurraError) -> String {
    let rows = extents(x.name, 0..<1)
    return graph.node("Reshape", [x.name, concatenate([rows, graph.list([-1])], axis: 0)])
  }

  /// The layer at every timestep: rows and timesteps are rows to it.
  private mutating func distributed(
    _ layer: any Layer, _ x: ExportValue, _ shape: [Int?]
  ) throws(RecurraError) -> ExportValue {
    guard let inner = layer.sublayers.first?.layer else { throw failure("a layer within", "none") }
    let rest = x.shape.dropFirst(2)
    let after = shape.dropFirst(2)
    guard rest.filter({ $0 == nil }).isEmpty, after.filter({ $0 == nil }).isEmpty else {
      throw failure("known extents behind time", text(of: x.shape))
    }
    let rows = ExportValue(name: reshape(x.name, [-1] + rest.compactMap { $0 }), shape: [nil] + rest)
    let output = try outputs(of: inner, [rows], in: Sequential([inner]))[0]
    let target = concatenate([extents(x.name, 0..<2), graph.list(after.compactMap { $0 })], axis: 0)
    let steps = after.isEmpty ? extents(x.name, 0..<2) : target
    return ExportValue(name: graph.node("Reshape", [output.name, steps]), shape: shape, mask: x.mask)
  }

  private mutating func pooledOverTime(_ layer: any Layer, _ x: ExportValue, _ settings: ExportSettings) -> String {
    let keeps = settings.flag("keepdims")
    if type(of: layer).typeName == "GlobalMaxPooling1D" {
      return graph.node("ReduceMax", [x.name], [("axes", .integers([1])), ("keepdims", .integer(keeps ? 1 : 0))])
    }
    guard let mask = x.mask else {
      let mean = mean(x.name, [1])
      return keeps ? mean : squeeze(mean, [1])
    }
    let counts = numbers(spread(mask, rank: 3))
    let total = sum(graph.node("Mul", [x.name, counts]), [1])
    // A row of nothing but padding is 0, not 0 / 0.
    let count = graph.node("Max", [sum(counts, [1]), graph.scalar(1)])
    let mean = graph.node("Div", [total, count])
    return keeps ? mean : squeeze(mean, [1])
  }

  private mutating func pooled(_ layer: any Layer, _ x: ExportValue, _ settings: ExportSettings) -> String {
    let isMaximum = type(of: layer).typeName == "MaxPooling1D"
    let attributes: [(String, ExportAttribute)] = [
      ("kernel_shape", .integers(settings.integers("pool_size"))), ("strides", .integers(settings.integers("strides"))),
      ("auto_pad", .text(settings.text("padding") == "same" ? "SAME_UPPER" : "VALID")),
    ]
    let channels = transpose(x.name, [0, 2, 1])
    return transpose(graph.node(isMaximum ? "MaxPool" : "AveragePool", [channels], attributes), [0, 2, 1])
  }

  private mutating func convolved(
    _ layer: any Layer, _ x: ExportValue, _ settings: ExportSettings
  ) throws(RecurraError) -> String {
    let size = settings.integer("kernel_size") ?? 1
    let stride = settings.integer("strides") ?? 1
    let dilation = settings.integer("dilation_rate") ?? 1
    guard let last = x.shape.last, let inputs = last else { throw failure("known features", text(of: x.shape)) }
    var channels = transpose(x.name, [0, 2, 1])
    var attributes: [(String, ExportAttribute)] = [
      ("strides", .integers([stride])), ("dilations", .integers([dilation])),
    ]
    switch settings.text("padding") {
    case "causal": channels = graph.node("Pad", [channels, graph.list([0, 0, dilation * (size - 1), 0, 0, 0])])
    case "same": attributes.append(("auto_pad", .text("SAME_UPPER")))
    default: break
    }
    let weights = layer.weights
    var (y, used) = (channels, 1)
    // Keras has [K, I/groups, O], or [K, I, M] where every feature has filters of its own; ONNX [O, I/groups, K].
    if type(of: layer).typeName == "Conv1D" {
      let kernel = graph.constant(weights[0].permuted([2, 1, 0]).contiguous, "kernel")
      y = graph.node("Conv", [y, kernel], attributes + [("group", .integer(settings.integer("groups") ?? 1))])
    } else {
      let (width, multiplier) = (weights[0].shape[0], weights[0].shape[2])
      let depthwise = weights[0].permuted([1, 2, 0]).contiguous.reshaped([inputs * multiplier, 1, width])
      y = graph.node("Conv", [y, graph.constant(depthwise, "kernel")], attributes + [("group", .integer(inputs))])
      if type(of: layer).typeName == "SeparableConv1D" {
        y = graph.node("Conv", [y, graph.constant(weights[1].permuted([2, 1, 0]).contiguous, "kernel")], [])
        used = 2
      }
    }
    y = transpose(y, [0, 2, 1])
    if weights.count > used { y = graph.node("Add", [y, graph.constant(weights[used], "bias")]) }
    return try apply(settings.activation("activation"), y)
  }
}
