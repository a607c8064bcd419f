internal import RecurraLayers
internal import RecurraTensor

extension OperatorTable {
  /// Convolutions over any number of axes.
  static let convolution: [Entry] = [
    Entry("Conv") { (node) throws(RecurraError) in
      try node.expectInputs(2...3)
      let (settings, groups) = (try WindowSettings(node), try node.integer("group", default: 1))
      let turned = TurnedWeights()
      return { (call) throws(RecurraError) in try convolve(call, settings, groups, turned) }
    },
    Entry("ConvTranspose") { (node) throws(RecurraError) in
      try node.expectInputs(2...3)
      let (settings, groups) = (try WindowSettings(node), try node.integer("group", default: 1))
      let (margin, shape) = (try node.integers("output_padding"), try node.integers("output_shape"))
      return { (call) throws(RecurraError) in try spread(call, settings, groups, margin, shape) }
    },
  ]

  /// x [N, C, …], weights [M, C / groups, …], bias [M]; result [N, M, …].
  private static func convolve(
    _ call: OperatorCall, _ settings: WindowSettings, _ groups: Int, _ turned: TurnedWeights
  ) throws(RecurraError) -> [ONNXValue] {
    let (x, weights) = try call.pair()
    guard x.rank >= 3, weights.rank == x.rank, groups >= 1, weights.shape[0] % groups == 0,
      MemoryLimit.bytes(weights.shape[1], groups) == x.shape[1], weights.count > 0, weights.shape[0] > 0
    else {
      throw call.failure(
        expected: "x [N, C, …] and weights [M, C / \(groups), …]", got: "\(x.shape) and \(weights.shape)")
    }
    let kernel = Array(weights.shape.dropFirst(2))
    guard settings.kernel == nil || settings.kernel == kernel else {
      throw call.failure(expected: "weights of kernel_shape \(settings.kernel ?? [])", got: "\(weights.shape)")
    }
    let (batch, channels, units) = (x.shape[0], x.shape[1], weights.shape[0])
    let image = Array(x.shape.dropFirst(2))
    let table = try settings.table(call, image: image, kernel: kernel, rows: batch * channels)
    let target = [batch, units] + table.windows
    try call.require(target)
    guard x.count > 0, table.windowCount > 0 else {
      return [.floats(.zeros(target, dtype: x.dtype), try call.value(0).format)]
    }
    let (entries, windows, own) = (table.entryCount, table.windowCount, channels / groups)
    let isPlain = entries == 1 && windows == table.imageCount
    let columns = isPlain ? x : table.unfolded(x.reshaped([batch * channels, table.imageCount]))
    var result: Tensor
    let bias = try channelBias(call, units, x.dtype)
    if groups == 1, batch * windows <= 64, x.dtype == .float32, let version = call.version(1) {
      // For few windows OpenBLAS would take longer to lay the weights down than to multiply.
      let rows = columns.reshaped([batch, own * entries, windows]).transposed()
      let sums = turned(rows, weights.reshaped([units, own * entries]), version: version, adding: bias)
      return [.floats(sums.transposed().reshaped(target), try call.value(0).format)]
    }
    if groups == 1 {
      result = weights.reshaped([units, own * entries]).matrixProduct(
        columns.reshaped([batch, channels * entries, windows]))
    } else {
      result = weights.reshaped([groups, units / groups, own * entries]).matrixProduct(
        columns.reshaped([batch, groups, own * entries, windows]))
    }
    result = result.reshaped([batch, units, windows])
    if let bias { result = result + bias.reshaped([units, 1]) }
    return [.floats(result.reshaped(target), try call.value(0).format)]
  }

  private static func channelBias(_ call: OperatorCall, _ units: Int, _ dtype: DType) throws(RecurraError) -> Tensor? {
    guard let bias = try call.optionalTensor(2) else { return nil }
    guard bias.shape == [units], bias.dtype == dtype else {
      throw call.failure(expected: "a \(dtype) bias [\(units)]", got: "\(bias.dtype) \(bias.shape)")
    }
    return bias
  }

  /// x [N, C, …], weights [C, M / groups, …], bias [M]; result [N, M, …].
  private static func spread(
    _ call: OperatorCall, _ settings: WindowSettings, _ groups: Int, _ margin: [Int]?, _ shape: [Int]?
  ) throws(RecurraError) -> [ONNXValue] {
    let (x, weights) = try call.pair()
    guard x.rank >= 3, weights.rank == x.rank, groups >= 1, weights.shape[0] == x.shape[1],
      x.shape[1] % groups == 0, weights.count > 0, x.count > 0
    else {
      throw call.failure(
        expected: "x [N, C, …] and weights [C, M / \(groups), …]", got: "\(x.shape) and \(weights.shape)")
    }
    let (kernel, small) = (Array(weights.shape.dropFirst(2)), Array(x.shape.dropFirst(2)))
    let axes = small.count
    let (strides, dilations, pads) = try settings.extents(call, kernel: kernel, axes: axes)
    let margin = margin ?? [Int](repeating: 0, count: axes)
    guard shape?.allSatisfy({ (0...(1 << 31)).contains($0) }) ?? true, margin.count == axes,
      margin.allSatisfy({ (0...(1 << 24)).contains($0) }),
      shape == nil || shape?.count == axes
    else { throw call.failure(expected: "output_padding and output_shape for \(axes) axes", got: "others") }
    var (image, starts) = ([Int](), [Int]())
    for axis in 0..<axes {
      let whole = strides[axis] * (small[axis] - 1) + margin[axis] + (kernel[axis] - 1) * dilations[axis] + 1
      var (before, after) = (pads[axis], pads[axes + axis])
      if shape != nil || settings.autoPad.hasPrefix("SAME") {
        let missing = max(0, whole - (shape?[axis] ?? small[axis] * strides[axis]))
        before = settings.autoPad == "SAME_UPPER" || settings.autoPad == "NOTSET" ? missing / 2 : (missing + 1) / 2
        if settings.autoPad == "NOTSET" { before = missing / 2 }
        after = missing - before
      }
      let extent = shape?[axis] ?? (whole - before - after)
      guard extent >= 0, extent < 1 << 31 else {
        throw call.failure(expected: "padding within the result", got: "\(pads)")
      }
      image.append(extent)
      starts.append(-before)
    }
    let (batch, channels, units) = (x.shape[0], x.shape[1], weights.shape[1] * groups)
    let target = [batch, units] + image
    try call.require(target)
    try call.require([MemoryLimit.bytes(kernel + small)])
    try call.require([batch * units, kernel.reduce(1, *), small.reduce(1, *)])
    let table = WindowTable(
      image: image, windows: small, kernel: kernel, strides: strides, dilations: dilations, starts: starts,
      ends: image)
    let (entries, windows) = (table.entryCount, table.windowCount)
    let matrix = weights.reshaped([groups, channels / groups, weights.shape[1] * entries]).transposed()
    let columns = matrix.matrixProduct(x.reshaped([batch, groups, channels / groups, windows]))
    var result = table.folded(columns.reshaped([batch * units, entries, windows])).reshaped([
      batch, units, table.imageCount,
    ])
    if let bias = try channelBias(call, units, x.dtype) { result = result + bias.reshaped([units, 1]) }
    return [.floats(result.reshaped(target), try call.value(0).format)]
  }
}
