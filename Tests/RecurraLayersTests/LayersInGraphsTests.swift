import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// Layers of several inputs, and layers that lead to other shapes, as parts of models.
@Suite struct LayersInGraphsTests {
  private let x = Tensor.varied([3, 7, 4], seed: 1, dtype: .float32)
  private let y = Tensor.varied([3, 5, 4], seed: 2, dtype: .float32)
  private let masks: [SequenceMask] = [.lengths([7, 2, 5]), .lengths([1, 5, 3])]

  static let attentions: [@Sendable () -> any Layer] = [
    { Attention(useScale: true, dropout: 0.3) }, { Attention(useScale: true, scoreMode: .concat) },
    { Attention(useCausalMask: true) }, { AdditiveAttention(dropout: 0.3) },
    { AdditiveAttention(useScale: false, useCausalMask: true) },
    { MultiHeadAttention(numHeads: 2, keyDim: 3, dropout: 0.3) },
    {
      MultiHeadAttention(numHeads: 3, keyDim: 2, valueDim: 5, useBias: false, outputShape: 6, useCausalMask: true)
    },
  ]

  private func model(_ attention: any Layer) throws -> Model {
    let (query, value) = (Input(shape: [nil, 4]), Input(shape: [nil, 4]))
    let found = attention(GRU(units: 4, returnSequences: true)(query), value)
    return try Model(inputs: [query, value], outputs: [GlobalAveragePooling1D()(found)], seed: 3)
  }

  @Test(arguments: attentions.indices) func aModelWithAttentionIsSavedAndLoaded(index: Int) throws {
    let model = try model(Self.attentions[index]())
    for parameter in model.parameters { parameter.value = .varied(parameter.shape, seed: 7, dtype: .float32) }
    let file = try TemporaryModel()
    try model.save(to: file.path)
    let loaded = try Model.load(from: file.path)
    #expect(loaded.json == model.json)
    expectIdentical(try loaded([x, y], masks: masks)[0], try model([x, y], masks: masks)[0])
    try expectSameBitsOnAnyThreads { try model([x, y], masks: masks) }
  }

  @Test(arguments: attentions.indices) func attentionReadsNothingThatIsMasked(index: Int) throws {
    for dtype in [DType.float32, .float64] {
      let layer = Self.attentions[index]()
      let (x, y) = (x.converted(to: dtype), y.converted(to: dtype))
      try layer.build(inputShapes: [[nil, nil, 4], [nil, nil, 4]], random: RandomSource(seed: 1), dtype: dtype)
      for (seed, parameter) in layer.parameters.enumerated() {
        parameter.value = .varied(parameter.shape, seed: 20 + seed, dtype: dtype)
      }
      func stained(_ tensor: Tensor, _ mask: SequenceMask) -> Tensor {
        let counts = mask.tensor(rows: tensor.shape[0], timesteps: tensor.shape[1], dtype: .int32).expanded(at: 2)
        return Tensor.select(counts, tensor, Tensor(.nan, dtype: dtype)).tracked
      }
      let inputs = [stained(x, masks[0]), stained(y, masks[1])]
      let output = try layer.forward(
        zip(inputs, masks).map { Value($0, mask: $1) }, ForwardContext(isRecording: true))[0]
      #expect(output.mask == masks[0])
      let sources = inputs + layer.parameters.map(\.tracked)
      for gradient in output.tensor.sum().gradients(withRespectTo: sources) {
        let isFinite = gradient.doubles.allSatisfy { $0.isFinite }
        #expect(isFinite)
      }
      for row in 0..<3 {
        let (queries, values) = (masks[0].lengths?[row] ?? 0, masks[1].lengths?[row] ?? 0)
        let alone = try layer.forward(
          [
            Value(x.sliced(row..<row + 1).sliced(0..<queries, axis: 1)),
            Value(y.sliced(row..<row + 1).sliced(0..<values, axis: 1)),
          ], ForwardContext())[0].tensor
        let found = output.tensor.sliced(row..<row + 1).sliced(0..<queries, axis: 1)
        expectClose(
          found, alone, relative: dtype == .float32 ? 2e-6 : 1e-13, absolute: dtype == .float32 ? 1e-6 : 1e-13)
      }
    }
  }

  @Test(arguments: attentions.indices) func gradientsOfAttentionAgreeWithDifferences(index: Int) throws {
    let layer = Self.attentions[index]()
    let (x, y) = (x.converted(to: .float64), y.converted(to: .float64))
    try layer.build(inputShapes: [[nil, nil, 4], [nil, nil, 4]], random: RandomSource(seed: 1), dtype: .float64)
    let context = ForwardContext(isTraining: true, isRecording: true, random: RandomSource(seed: 4))
    expectGradients(
      of: { inputs in
        let values = [Value(inputs[0], mask: masks[0]), Value(inputs[1], mask: masks[1])]
        return (try? layer.forward(values, context)[0].tensor) ?? Tensor(0, dtype: .float64)
      }, at: [x, y])
  }

  @Test func dropoutOfAttentionIsThatOfTheRowsPlaceInTheBatch() throws {
    let layer = Attention(dropout: 0.5)
    func run(_ rows: Range<Int>) throws -> Tensor {
      var context = ForwardContext(isTraining: true, random: RandomSource(seed: 4))
      context.firstRow = rows.lowerBound
      return try layer.forward([Value(x[rows]), Value(y[rows])], context)[0].tensor
    }
    try layer.build(inputShapes: [[nil, 7, 4], [nil, 5, 4]], random: RandomSource(seed: 1), dtype: .float32)
    expectIdentical(try run(1..<3), try run(0..<3)[1..<3])
  }

  static let merging: [@Sendable () -> any Layer] = [
    { Add() }, { Subtract() }, { Multiply() }, { Average() }, { Maximum() }, { Minimum() }, { Concatenate() },
  ]

  @Test(arguments: merging.indices) func aModelThatMergesIsSavedAndLoaded(index: Int) throws {
    let input = Input(shape: [nil, 4])
    let first = LSTM(units: 5, returnSequences: true)(input)
    let second = Conv1D(filters: 5, kernelSize: 3, padding: .same)(input)
    let merge = Self.merging[index]()
    let merged = MaxPooling1D()(BatchNormalization()(merge(first, second)))
    let decoded = SimpleRNN(units: 3, returnSequences: true)(RepeatVector(4)(GlobalMaxPooling1D()(merged)))
    let model = try Model(inputs: [input], outputs: [Reshape(targetShape: [-1])(decoded)], seed: 2)
    let file = try TemporaryModel()
    try model.save(to: file.path)
    let loaded = try Model.load(from: file.path)
    #expect(loaded.json == model.json)
    let output = try model(x, lengths: [7, 2, 5])
    #expect(output.shape == [3, 12])
    expectIdentical(try loaded(x, lengths: [7, 2, 5]), output)
    for row in 0..<3 {
      let length = [7, 2, 5][row]
      let alone = try model(x.sliced(row..<row + 1).sliced(0..<length, axis: 1))
      expectClose(output.sliced(row..<row + 1), alone, relative: 1e-5, absolute: 1e-6, "row \(row)")
    }
  }

  @Test(arguments: merging.indices) func gradientsOfMergingAgreeWithDifferences(index: Int) throws {
    let layer = Self.merging[index]()
    let x = x.converted(to: .float64)
    let vector: [Tensor] = index == 6 ? [] : [.varied([3, 4], seed: 5000)]
    let others = index == 1 ? vector : [Tensor.varied([3, 7, 4], seed: 4000)] + vector
    expectGradients(
      of: { inputs in (try? layer.forward(inputs.map { Value($0) }, ForwardContext())[0].tensor) ?? inputs[0] },
      at: [x] + others)
  }

  @Test func aHeadTiedToTheEmbeddingAddsItsGradient() throws {
    let table = Embedding(inputDim: 9, outputDim: 5)
    let model = Sequential(seed: 4) {
      table
      LSTM(units: 5, returnSequences: true)
      TiedDense(to: table, useBias: true)
    }
    try model.build(inputShape: [nil, 6], dtype: .float64)
    #expect(model.parameterCount == 45 + (10 * 20 + 20) + 9)
    let ids = Tensor((0..<12).map { Int32($0 * 5 % 9) }, shape: [2, 6])
    let parameter = try #require(table.parameters.first)
    let context = ForwardContext(isRecording: true, differentiatesParametersOnly: true)
    let objective = try model.forward(Signal(ids), context).value
    let seed = Tensor.varied(objective.shape, seed: 6, in: 0.5...1.5)
    let gradient = (objective * seed).sum().gradients(withRespectTo: [parameter.tracked])[0].doubles
    let start = parameter.value.doubles
    for position in [0, 7, 21, 44] {
      func moved(_ distance: Double) throws -> Double {
        var numbers = start
        numbers[position] += distance
        parameter.value = Tensor(numbers, shape: [9, 5])
        return (try model(ids) * seed).sum().item
      }
      let wanted = (try moved(1e-5) - moved(-1e-5)) / 2e-5
      #expect((gradient[position] - wanted).magnitude < 1e-6 * max(1, wanted.magnitude))
    }
  }

  @Test func aTiedHeadFindsItsEmbeddingInAFile() throws {
    for dtype in [DType.float32, .float64] {
      let table = Embedding(inputDim: 9, outputDim: 5, trainable: false)
      let model = Sequential(seed: 4) {
        table
        LSTM(units: 5)
        TiedDense(to: table, activation: .softmax)
      }
      try model.build(inputShape: [nil, 6], dtype: dtype)
      #expect(!table.isTrainable)
      let file = try TemporaryModel()
      try model.save(to: file.path)
      let loaded = try Sequential.load(from: file.path)
      #expect(loaded.json == model.json && loaded.parameterCount == model.parameterCount)
      #expect(loaded["embedding"]?.isTrainable == false)
      let ids = Tensor((0..<12).map { Int32($0 * 5 % 9) }, shape: [2, 6])
      expectIdentical(try loaded(ids), try model(ids))
      let first = try #require(loaded["embedding"]?.parameters.first)
      first.value = first.value * 2
      let moved = try loaded(ids).doubles
      #expect(try moved != model(ids).doubles)
    }
    let elsewhere = Embedding(inputDim: 9, outputDim: 5)
    for layer in [TiedDense(to: elsewhere) as any Layer, TimeDistributed(TiedDense(to: elsewhere))] {
      let model = Sequential([Dense(units: 5), layer])
      let error = #expect(throws: RecurraError.self) { try model.build(inputShape: [nil, 4, 3]) }
      #expect(error?.expected == "the layer to which it is tied beside it in the model")
    }
    let input = Input(shape: [6])
    let table = Embedding(inputDim: 9, outputDim: 5)
    let graph = try Model(inputs: [input], outputs: [TiedDense(to: table)(table(input, name: "words"))])
    let again = try Model(configuration: graph.json)
    #expect(again.json == graph.json)
    let error = #expect(throws: RecurraError.self) {
      try Sequential(
        configuration: JSONValue(
          parsing: Array(#"[{"class_name": "TiedDense", "config": {"tied_to": "words"}}]"#.utf8)))
    }
    #expect(
      error?.description == "model: expected a layer \"words\", to which another one is tied, got none of that name")
  }

  /// Keras says with the call what is a setting here.
  private func attentionOfKeras(_ calls: [String]) throws -> Model {
    let source = #"{"class_name": "__keras_tensor__", "config": {"keras_history": ["x", 0, 0]}}"#
    let nodes = calls.map { #"{"args": [\#(source), \#(source)], "kwargs": {\#($0)}}"# }.joined(separator: ", ")
    let outputs = calls.indices.map { #"["look", \#($0), 0]"# }.joined(separator: ", ")
    let text = #"""
      {"class_name": "Functional", "config": {"name": "net", "layers": [
        {"class_name": "InputLayer", "config": {"batch_shape": [null, null, 4]}, "name": "x", "inbound_nodes": []},
        {"class_name": "MultiHeadAttention", "config": {"num_heads": 2, "key_dim": 3, "attention_axes": [1]},
         "name": "look", "inbound_nodes": [\#(nodes)]}],
       "input_layers": [["x", 0, 0]], "output_layers": [\#(outputs)]}}
      """#
    return try Model(configuration: JSONValue(parsing: Array(text.utf8)), seed: 5)
  }

  @Test func whatKerasSaysWithACallIsASetting() throws {
    let causal = try attentionOfKeras([#""use_causal_mask": true, "return_attention_scores": false"#])
    #expect(causal["look"]?.configuration["use_causal_mask"] == .bool(true))
    let cut = try causal(y.sliced(0..<2, axis: 1) * Tensor(1))
    expectClose(try causal(y).sliced(0..<2, axis: 1), cut, relative: 1e-5, absolute: 1e-6)
    let plain = try attentionOfKeras(["", #""use_causal_mask": false"#])
    #expect(plain["look"]?.configuration["use_causal_mask"] == nil)
    let error = #expect(throws: RecurraError.self) { try attentionOfKeras(["", #""use_causal_mask": true"#]) }
    #expect(error?.expected == "calls that agree in use_causal_mask")
  }

  @Test func aPresetTableIsTakenAsItIs() throws {
    let vectors = Tensor.varied([6, 3], seed: 1, dtype: .float64)
    let layer = Embedding(inputDim: 6, outputDim: 3, weights: vectors)
    let ids = Tensor([Int32(5), 0, 2], shape: [1, 3])
    let found = try layer(ids)
    expectIdentical(found, vectors.converted(to: .float32).gathered(ids))
    #expect(layer.isTrainable)
  }

  @Test func normalizationAdaptsToWhatCounts() throws {
    let data = Tensor([1, 10, 3, 30, .nan, .nan, 5, 20, .nan, .nan, .nan, .nan] as [Double], shape: [2, 3, 2])
    let layer = Normalization()
    try layer.adapt(data, mask: .lengths([2, 1]))
    expectClose(layer.parameters[0].value, Tensor([3, 20] as [Double]))
    expectClose(layer.parameters[1].value, Tensor([8 / 3, 200 / 3] as [Double]))
    #expect(layer.parameters.allSatisfy { !$0.isTrainable } && layer.isTrainable)
    let error = #expect(throws: RecurraError.self) { try layer.adapt(data) }
    #expect(error?.description == "Normalization: expected finite numbers, got NaN or infinity")
    expectClose(layer.parameters[0].value, Tensor([3, 20] as [Double]))
    #expect(throws: RecurraError.self) { try Normalization(mean: [1], variance: [1]).adapt(data) }
    #expect(throws: RecurraError.self) { try Normalization().adapt(Tensor.zeros([0, 3])) }
  }
}
