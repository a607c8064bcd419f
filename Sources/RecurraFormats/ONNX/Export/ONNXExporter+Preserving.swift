internal import RecurraLayers
internal import RecurraTensor

/// The layers that keep the shape of what they read.
extension ONNXExporter {
  /// Says a layer; nil for one of another kind.
  mutating func preserving(
    _ layer: any Layer, _ x: ExportValue, _ settings: ExportSettings
  ) throws(RecurraError) -> String? {
    let weights = layer.weights
    switch type(of: layer).typeName {
    case "Dropout", "SpatialDropout1D", "GaussianNoise", "GaussianDropout", "AlphaDropout", "ActivityRegularization":
      return graph.node("Identity", [x.name])
    case "Activation": return try apply(settings.activation("activation"), x.name)
    case "ReLU": return rectified(x.name, settings)
    case "LeakyReLU": return try apply(.leakyRelu(negativeSlope: settings.number("negative_slope") ?? 0.3), x.name)
    case "ELU": return try apply(.scaledElu(alpha: settings.number("alpha") ?? 1), x.name)
    case "PReLU":
      let low = graph.node("Mul", [graph.node("Min", [x.name, graph.scalar(0)]), graph.constant(weights[0], "alpha")])
      return graph.node("Add", [graph.node("Relu", [x.name]), low])
    case "Softmax": return softmax(x, settings)
    case "Rescaling":
      return add(multiply(x.name, settings.number("scale") ?? 1), settings.number("offset") ?? 0)
    case "LayerNormalization":
      return scaled(
        normalized(x.name, [-1], settings.number("epsilon") ?? 1e-3), weights, settings, axis: nil, x.shape.count)
    case "BatchNormalization": return batchNormalized(x, weights, settings)
    case "GroupNormalization": return try groupNormalized(x, weights, settings)
    case "RMSNormalization":
      let axes = settings.integers("axis")
      let square = mean(graph.node("Mul", [x.name, x.name]), axes)
      let root = graph.node("Sqrt", [add(square, settings.number("epsilon") ?? 1e-6)])
      let scale = graph.constant(weights[0], "scale")
      guard axes.map({ $0 < 0 ? $0 + x.shape.count : $0 }) == [x.shape.count - 1] else {
        throw failure("an axis of -1", "\(axes)")
      }
      return graph.node("Mul", [graph.node("Div", [x.name, root]), scale])
    case "UnitNormalization":
      let square = sum(graph.node("Mul", [x.name, x.name]), settings.integers("axis"))
      // As Keras, which bounds the square from below.
      let root = graph.node("Sqrt", [graph.node("Max", [square, graph.scalar(1e-12)])])
      return graph.node("Div", [x.name, root])
    default: return nil
    }
  }

  private mutating func rectified(_ x: String, _ settings: ExportSettings) -> String {
    let threshold = settings.number("threshold") ?? 0
    let slope = settings.number("negative_slope") ?? 0
    var high = x
    if let most = settings.number("max_value") { high = graph.node("Min", [x, graph.scalar(most)]) }
    let low = multiply(add(x, -threshold), slope)
    let isHigh = graph.node("GreaterOrEqual", [x, graph.scalar(threshold)])
    return choose(isHigh, high, low)
  }

  private mutating func softmax(_ x: ExportValue, _ settings: ExportSettings) -> String {
    let axes = settings.integers("axis")
    if axes.count == 1 { return graph.node("Softmax", [x.name], [("axis", .integer(axes[0]))]) }
    let most = graph.node("ReduceMax", [x.name], [("axes", .integers(axes)), ("keepdims", .integer(1))])
    let powers = graph.node("Exp", [graph.node("Sub", [x.name, most])])
    return graph.node("Div", [powers, sum(powers, axes)])
  }

  /// γ and β, those that are there, along an axis; the last one where none is said.
  private mutating func scaled(
    _ x: String, _ weights: [Tensor], _ settings: ExportSettings, axis: Int?, _ rank: Int
  ) -> String {
    var (result, index) = (x, 0)
    for (name, operation) in [("scale", "Mul"), ("center", "Add")] where settings.flag(name, default: true) {
      result = graph.node(operation, [result, vector(weights[index], axis: axis ?? rank - 1, rank, name)])
      index += 1
    }
    return result
  }

  /// Numbers along one axis of values of a rank.
  private mutating func vector(_ tensor: Tensor, axis: Int, _ rank: Int, _ hint: String) -> String {
    let shape = (0..<rank).map { $0 == axis ? tensor.count : 1 }
    return graph.constant(axis == rank - 1 ? tensor : tensor.reshaped(shape).contiguous, hint)
  }

  private mutating func batchNormalized(_ x: ExportValue, _ weights: [Tensor], _ settings: ExportSettings) -> String {
    let rank = x.shape.count
    let given = settings.integer("axis") ?? -1
    let axis = given < 0 ? given + rank : given
    let mean = vector(weights[weights.count - 2], axis: axis, rank, "mean")
    let variance = vector(weights[weights.count - 1], axis: axis, rank, "variance")
    let root = graph.node("Sqrt", [add(variance, settings.number("epsilon") ?? 1e-3)])
    let centered = graph.node("Div", [graph.node("Sub", [x.name, mean]), root])
    return scaled(centered, weights, settings, axis: axis, rank)
  }

  private mutating func groupNormalized(
    _ x: ExportValue, _ weights: [Tensor], _ settings: ExportSettings
  ) throws(RecurraError) -> String {
    let rank = x.shape.count
    let axis = settings.integer("axis") ?? -1
    guard axis == -1 || axis == rank - 1, let last = x.shape.last, let features = last else {
      throw failure("an axis of -1", "\(axis)")
    }
    let groups = settings.integer("groups") ?? 32
    let count = groups == -1 ? features : groups
    // [B, …, G, I/G], normalised over all axes but batch and groups.
    let head = extents(x.name, 0..<(rank - 1))
    let target = concatenate([head, graph.list([count, features / max(count, 1)])], axis: 0)
    let grouped = graph.node("Reshape", [x.name, target])
    let axes = Array(1..<(rank - 1)) + [rank]
    let normal = normalized(grouped, axes, settings.number("epsilon") ?? 1e-3)
    let back = graph.node("Reshape", [normal, graph.node("Shape", [x.name])])
    return scaled(back, weights, settings, axis: nil, rank)
  }
}
