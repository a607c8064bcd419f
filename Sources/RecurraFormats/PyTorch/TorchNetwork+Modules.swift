internal import RecurraLayers
internal import RecurraTensor

/// The layers of each module.
extension TorchNetwork {
  /// Adds the layers of a module.
  ///
  /// - Parameter isTakenLast: Tells whether only the last timestep of what it gives is used.
  mutating func add(_ module: TorchModule, isTakenLast: Bool) throws(RecurraError) {
    let name = layerName(module)
    switch module.kind {
    case "RNN", "LSTM", "GRU": try add(try TorchRecurrent(module), name, isTakenLast: isTakenLast)
    case "Embedding": try addEmbedding(module, name)
    case "Linear": try addLinear(module, name)
    case "Conv1d": try addConvolution(module, name)
    case "LayerNorm": try addLayerNorm(module, name)
    case "BatchNorm1d": try addBatchNorm(module, name)
    case "Dropout":
      try module.allow("p")
      append(Dropout(rate: try module.number("p", default: 0.5, in: 0...1)), name)
    case "Identity": break
    case "Flatten":
      try module.allow("start_dim", "end_dim")
      guard form == .row else { throw module.failure("rows of features to flatten", "sequences of any length") }
    case "take_last":
      try module.allow()
      guard form == .sequence, !isChannelsFirst || features != nil else {
        throw module.failure("sequences to take the last timestep of", "rows")
      }
      if !givesLast { append(LastTimestep(), "take_last") }
      givesLast = false
      (form, isChannelsFirst) = (.row, false)
    case "take_mean":
      try module.allow()
      guard form == .sequence else { throw module.failure("sequences to take the mean of", "rows") }
      append(GlobalAveragePooling1D(), "take_mean")
      (form, isChannelsFirst) = (.row, false)
    default: try addActivation(module)
    }
  }

  /// A name that files can have.
  private func layerName(_ module: TorchModule) -> String {
    let name = module.prefix.isEmpty ? module.kind.lowercased() : module.prefix
    return String(name.map { $0 == "/" ? "." : $0 })
  }

  private mutating func add(_ recurrent: TorchRecurrent, _ name: String, isTakenLast: Bool) throws(RecurraError) {
    try expect(recurrent.inputs, "input_size", recurrent.module)
    guard form == .sequence else { throw recurrent.module.failure("sequences", "rows") }
    isChannelsFirst = false
    // A backward direction's last timestep is not what it ends with.
    givesLast = isTakenLast && !recurrent.isBidirectional
    for index in 0..<recurrent.layerCount {
      if index > 0, recurrent.dropout > 0 { append(Dropout(rate: recurrent.dropout), "\(name)_dropout") }
      let isTop = index == recurrent.layerCount - 1
      append(
        recurrent.part(index, returnSequences: !(isTop && givesLast)),
        recurrent.layerCount == 1 ? name : "\(name)_l\(index)")
    }
    features = recurrent.outputs
  }

  private mutating func addEmbedding(_ module: TorchModule, _ name: String) throws(RecurraError) {
    try module.allow("num_embeddings", "embedding_dim", "padding_idx", "sparse", "scale_grad_by_freq")
    try readIDs(module)
    let (count, width) = (try module.size("num_embeddings"), try module.size("embedding_dim"))
    _ = try module.integer("padding_idx", default: 0, in: -count...(count - 1))
    let layer = Embedding(inputDim: count, outputDim: width)
    append(TorchPart.plain(layer, [(module.tensorName("weight"), [count, width])]), name)
    features = width
  }

  private mutating func addLinear(_ module: TorchModule, _ name: String) throws(RecurraError) {
    try module.allow("in_features", "out_features", "bias")
    let (inputs, outputs) = (try module.size("in_features"), try module.size("out_features"))
    try expect(inputs, "in_features", module)
    let hasBias = try module.bool("bias", default: true)
    var tensors = [(name: module.tensorName("weight"), shape: [outputs, inputs])]
    if hasBias { tensors.append((name: module.tensorName("bias"), shape: [outputs])) }
    append(.turned(Dense(units: outputs, useBias: hasBias), tensors), name)
    (features, isChannelsFirst) = (outputs, false)
  }

  private mutating func addConvolution(_ module: TorchModule, _ name: String) throws(RecurraError) {
    try module.allow(
      "in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups", "bias", "padding_mode")
    let sizes = 1...Int(Int32.max)
    let (inputs, outputs) = (try module.size("in_channels"), try module.size("out_channels"))
    let width = try module.size("kernel_size")
    let stride = try module.integer("stride", default: 1, in: sizes)
    let dilation = try module.integer("dilation", default: 1, in: sizes)
    let groups = try module.integer("groups", default: 1, in: sizes)
    guard try module.string("padding_mode", default: "zeros") == "zeros" else {
      throw module.failure("zeros as padding_mode", "another")
    }
    guard inputs % groups == 0, outputs % groups == 0 else {
      throw module.failure("channels that \(groups) groups divide", "\(inputs) and \(outputs)")
    }
    try expect(inputs, "in_channels", module)
    guard form == .sequence else { throw module.failure("sequences", "rows") }
    var sides = [0, 0]
    if case .string(let text)? = module.value("padding") {
      guard text == "same" || text == "valid" else { throw module.failure("same, valid or a number as padding", text) }
      let (total, overflow) = dilation.multipliedReportingOverflow(by: width - 1)
      guard !overflow, text == "valid" || stride == 1 else {
        throw module.failure("a stride of 1 with same", "\(stride)")
      }
      if text == "same" { sides = [total / 2, total - total / 2] }
    } else {
      let padding = try module.integer("padding", default: 0, in: 0...Int(Int32.max))
      sides = [padding, padding]
    }
    if sides != [0, 0] { append(ZeroPadding1D(padding: sides), "\(name)_padding") }
    let hasBias = try module.bool("bias", default: true)
    var tensors = [(name: module.tensorName("weight"), shape: [outputs, inputs / groups, width])]
    if hasBias { tensors.append((name: module.tensorName("bias"), shape: [outputs])) }
    let layer = Conv1D(
      filters: outputs, kernelSize: width, strides: stride, dilationRate: dilation, groups: groups, useBias: hasBias)
    append(.turned(layer, tensors), name)
    (features, isChannelsFirst) = (outputs, !isTimeMajor)
  }

  private mutating func addLayerNorm(_ module: TorchModule, _ name: String) throws(RecurraError) {
    try module.allow("normalized_shape", "eps", "elementwise_affine", "bias")
    let count = try module.integer("normalized_shape", in: 1...Int(Int32.max))
    try expect(count, "normalized_shape", module)
    isChannelsFirst = false
    let isAffine = try module.bool("elementwise_affine", default: true)
    let hasBias = try module.bool("bias", default: true) && isAffine
    let layer = LayerNormalization(
      epsilon: try module.number("eps", default: 1e-5, in: 0...1), center: hasBias, scale: isAffine)
    append(.plain(layer, pair(module, isAffine, hasBias, count)), name)
  }

  private func pair(
    _ module: TorchModule, _ hasWeight: Bool, _ hasBias: Bool, _ count: Int
  ) -> [(name: String, shape: [Int])] {
    (hasWeight ? [(module.tensorName("weight"), [count])] : [])
      + (hasBias ? [(module.tensorName("bias"), [count])] : [])
  }

  private mutating func addBatchNorm(_ module: TorchModule, _ name: String) throws(RecurraError) {
    try module.allow("num_features", "eps", "momentum", "affine", "track_running_stats", "num_batches_tracked")
    let count = try module.size("num_features")
    try expect(count, "num_features", module)
    guard try module.bool("track_running_stats", default: true) else {
      throw module.failure("track_running_stats true", "false")
    }
    let isAffine = try module.bool("affine", default: true)
    let layer = BatchNormalization(
      momentum: 1 - (try module.number("momentum", default: 0.1, in: 0...1)),
      epsilon: try module.number("eps", default: 1e-5, in: 0...1), center: isAffine, scale: isAffine)
    let tensors =
      pair(module, isAffine, isAffine, count) + [
        (module.tensorName("running_mean"), [count]), (module.tensorName("running_var"), [count]),
      ]
    append(.plain(layer, tensors), name)
    counters.append(
      (module.tensorName("num_batches_tracked"), try module.integer("num_batches_tracked", default: 0, in: 0...(.max))))
  }
}
