import RecurraCells
import RecurraLayers
import RecurraTensor

/// A small model around each layer that a file can name, and around each kind of cell.
struct EveryLayer {
  let name: String
  /// Its inputs: [3, 5, 4] each, or ids [3, 5].
  let readsIDs: Bool
  let model: any Network

  /// Those that take one input.
  @LayerListBuilder private static var plain: [(String, any Layer)] {
    ("SimpleRNN", SimpleRNN(units: 3))
    ("SimpleRNN, relu, clipped", SimpleRNN(units: 3, activation: .relu, returnSequences: true, clip: 1))
    ("LSTM", LSTM(units: 3))
    ("LSTM backwards, hard gates", LSTM(units: 3, recurrentActivation: .hardSigmoid, goBackwards: true))
    ("LSTM with peepholes", LSTM(units: 3, returnSequences: true, usePeepholes: true))
    ("LSTM with coupled gates", LSTM(units: 3, coupleGates: true))
    ("LSTM with clips", LSTM(units: 3, clip: 0.5, memoryClip: 0.7))
    ("LSTM with projection", LSTM(units: 3, returnSequences: true, projectionUnits: 2))
    ("LSTM with noise", LSTM(units: 3, dropout: 0.2, recurrentDropout: 0.3))
    ("GRU", GRU(units: 3))
    ("GRU that resets before", GRU(units: 3, returnSequences: true, resetAfter: false))
    ("LSTM with zoneout", Recurrent(LSTMCell(), units: 3, noise: RecurrentNoise(zoneout: 0.1, memoryZoneout: 0.2)))
    ("IndRNN", IndRNN(units: 3))
    ("MGU", MGU(units: 3))
    ("MinGRU", MinGRU(units: 3))
    ("MinLSTM", MinLSTM(units: 3, returnSequences: true))
    ("SLSTM", SLSTM(units: 3))
    ("LayerNormLSTM", LayerNormLSTM(units: 3))
    ("LayerNormGRU", LayerNormGRU(units: 3))
    ("RNN", RNN([LSTM(units: 3, returnSequences: true), GRU(units: 2)]))
    ("Bidirectional", Bidirectional(GRU(units: 3)))
    (
      "Bidirectional of two kinds",
      Bidirectional(LSTM(units: 3), merge: .sum, backwardLayer: GRU(units: 3, goBackwards: true))
    )
    ("Dense", Dense(units: 3, activation: .softmax))
    ("Dropout", Dropout(rate: 0.5))
    ("Activation", ActivationLayer(.softplus))
    ("Flatten", Flatten())
    ("TimeDistributed", TimeDistributed(Dense(units: 2)))
    ("LayerNormalization", LayerNormalization())
    ("Softmax", Softmax(axis: 1))
    ("Masking", Masking(maskValue: 0.5))
    ("Reshape", Reshape(targetShape: [4, -1]))
    ("Permute", Permute(dims: [2, 1]))
    ("ZeroPadding1D", ZeroPadding1D(padding: [1, 2]))
    ("Cropping1D", Cropping1D(cropping: [1, 2]))
    ("UpSampling1D", UpSampling1D(size: 3))
    ("ReLU", ReLU(maxValue: 0.8, negativeSlope: 0.1, threshold: 0.2))
    ("LeakyReLU", LeakyReLU(negativeSlope: 0.2))
    ("ELU", ELU(alpha: 0.5))
    ("PReLU", PReLU(sharedAxes: [1]))
    ("Rescaling", Rescaling(scale: 3, offset: 0.1))
    ("Normalization", Normalization(mean: [1, 2, 3, 4], variance: [4, 3, 2, 1]))
    ("BatchNormalization", BatchNormalization())
    ("GroupNormalization", GroupNormalization(groups: 2))
    ("RMSNormalization", RMSNormalization())
    ("UnitNormalization", UnitNormalization())
    ("Conv1D", Conv1D(filters: 3, kernelSize: 2, padding: .causal, dilationRate: 2))
    ("DepthwiseConv1D", DepthwiseConv1D(kernelSize: 2, depthMultiplier: 2))
    ("SeparableConv1D", SeparableConv1D(filters: 3, kernelSize: 2, padding: .same))
    ("MaxPooling1D", MaxPooling1D(poolSize: 2, padding: .same))
    ("AveragePooling1D", AveragePooling1D(poolSize: 3, strides: 1))
    ("GlobalMaxPooling1D", GlobalMaxPooling1D())
    ("GlobalAveragePooling1D", GlobalAveragePooling1D(keepdims: true))
    ("SpatialDropout1D", SpatialDropout1D(rate: 0.3))
    ("GaussianNoise", GaussianNoise(stddev: 0.3))
    ("GaussianDropout", GaussianDropout(rate: 0.3))
    ("AlphaDropout", AlphaDropout(rate: 0.3))
    ("ActivityRegularization", ActivityRegularization(l2: 0.1))
    ("Sequential", Sequential([GRU(units: 3, returnSequences: true), Dense(units: 2)]))
  }

  /// Those that take two inputs.
  @LayerListBuilder private static var joining: [(String, any Layer)] {
    ("Add", Add())
    ("Subtract", Subtract())
    ("Multiply", Multiply())
    ("Average", Average())
    ("Maximum", Maximum())
    ("Minimum", Minimum())
    ("Concatenate", Concatenate())
    ("Dot", Dot(axes: 2))
    ("Attention", Attention(useScale: true))
    ("Attention by sums", Attention(useScale: true, scoreMode: .concat))
    ("AdditiveAttention", AdditiveAttention())
    ("MultiHeadAttention", MultiHeadAttention(numHeads: 2, keyDim: 3, useCausalMask: true))
  }

  static func all() throws -> [EveryLayer] {
    var cases = try plain.map { name, layer in
      let model = Sequential([layer])
      try model.build(inputShape: [nil, 5, 4])
      return EveryLayer(name, model)
    }
    for (name, layer) in joining {
      let (x, y) = (Input(shape: [5, 4]), Input(shape: [5, 4]))
      cases.append(EveryLayer(name, try Model(inputs: [x, y], outputs: [layer(x, y)])))
    }
    let (x, inside) = (Input(shape: [5, 4]), Input(shape: [5, 4]))
    let model = try Model(inputs: [inside], outputs: [GRU(units: 3)(inside)])
    cases.append(EveryLayer("Model", try Model(inputs: [x], outputs: [Dense(units: 2)(model(x))])))
    let repeated = Sequential([LSTM(units: 3), RepeatVector(2)])
    try repeated.build(inputShape: [nil, 5, 4])
    cases.append(EveryLayer("RepeatVector", repeated))
    let operation = try TensorOperation(
      configuration: LayerArguments(
        typeName: "TensorOperation",
        values: [
          "operation": .string("Multiply"),
          "arguments": .array([.object([("tensor", .integer(0))]), .number(0.5)]),
        ]))
    let scaled = Sequential([operation, LSTM(units: 3)])
    try scaled.build(inputShape: [nil, 5, 4])
    cases.append(EveryLayer("TensorOperation", scaled))
    let table = Embedding(inputDim: 7, outputDim: 3, maskZero: true)
    let tied = Sequential([table, LSTM(units: 3), TiedDense(to: table, activation: .softmax, useBias: true)])
    try tied.build(inputShape: [nil, 5])
    cases.append(EveryLayer("TiedDense", tied, readsIDs: true))
    let embedding = Sequential([Embedding(inputDim: 7, outputDim: 3)])
    try embedding.build(inputShape: [nil, 5])
    cases.append(EveryLayer("Embedding", embedding, readsIDs: true))
    return cases
  }

  private init(_ name: String, _ model: any Network, readsIDs: Bool = false) {
    (self.name, self.model, self.readsIDs) = (name, model, readsIDs)
    // Nothing stands at 0 or 1, where a parameter that got lost would not show.
    for (index, parameter) in model.parameters.enumerated() {
      parameter.value = RandomSource(seed: 5).stream(index).uniform(parameter.shape, in: 0.2..<0.9)
    }
  }

  /// Three rows for each input.
  var inputs: [Tensor] {
    if readsIDs { return [Tensor([3, 1, 6, 0, 0, 2, 2, 5, 4, 1, 0, 6, 1, 3, 2] as [Int32], shape: [3, 5])] }
    return model.inputNames.indices.map { RandomSource(seed: 9).stream($0).normal([3, 5, 4]) }
  }

  /// The names of all layers that take part, those within others too.
  var typeNames: Set<String> {
    func names(_ json: JSONValue) -> [String] {
      switch json {
      case .array(let items): return items.flatMap(names)
      case .object(let members):
        let own: [String] = members.compactMap { member in
          if member.name == "class_name", case .string(let name) = member.value { name } else { nil }
        }
        return own + members.flatMap { names($0.value) }
      default: return []
      }
    }
    return Set(names(model.json))
  }
}

/// Collects named layers, one to a line.
@resultBuilder enum LayerListBuilder {
  static func buildBlock(_ layers: (String, any Layer)...) -> [(String, any Layer)] { layers }
}
