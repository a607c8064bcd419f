import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// Models from descriptions and back.
@Suite struct RegistryTests {
  private func parse(_ text: String) throws -> JSONValue { try JSONValue(parsing: Array(text.utf8)) }

  private func expectRefusal(
    _ text: String, _ message: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let json = try parse(text)
    let error = #expect(throws: RecurraError.self, sourceLocation: sourceLocation) {
      try Sequential(configuration: json)
    }
    #expect(error?.description == message, sourceLocation: sourceLocation)
  }

  @Test func aKerasModelIsReadWithItsNamesAndShape() throws {
    let config = try JSONValue(contentsOf: fixturePath("layers/sequential.json"))
    let wrapped = JSONValue.object([("class_name", .string("Sequential")), ("config", config)])
    for description in [config, wrapped] {
      let model = try Sequential(configuration: description)
      #expect(model.isBuilt)
      #expect(
        model.layerNames == [
          "embedding", "bidirectional", "layer_normalization", "dropout", "time_distributed", "gru", "activation",
          "dense_1", "flatten",
        ])
      #expect(model.outputShapes?.last == [nil, 3])
      #expect((model["embedding"] as? Embedding)?.maskZero == true)
      #expect(model["dense_1"]?.configuration["kernel_initializer"]?["config"]?["stddev"] == .number(0.1))
    }
  }

  @Test func namesAreThoseKerasGivesWithoutBeingAsked() throws {
    let model = Sequential {
      Embedding(inputDim: 50, outputDim: 8)
      TimeDistributed(Dense(units: 3))
      Bidirectional(LSTM(units: 4, returnSequences: true))
      SimpleRNN(units: 4, returnSequences: true)
      LSTM(units: 4, returnSequences: true)
      SimpleRNN(units: 4)
      Dense(units: 3)
    }
    // A wrapped layer took the first name of its class.
    #expect(
      model.layerNames == [
        "embedding", "time_distributed", "bidirectional", "simple_rnn", "lstm_1", "simple_rnn_1", "dense_1",
      ])
  }

  @Test func everyLayerComesBackFromItsDescription() throws {
    let model = Sequential(name: "everything", seed: 4) {
      Embedding(inputDim: 9, outputDim: 6, maskZero: true, embeddingsInitializer: .randomNormal(standardDeviation: 0.2))
      Bidirectional(
        GRU(units: 4, returnSequences: true), merge: .sum,
        backwardLayer: LSTM(units: 4, returnSequences: true, goBackwards: true))
      Bidirectional(SimpleRNN(units: 3, activation: .softsign, returnSequences: true), merge: .average)
      LayerNormalization(epsilon: 1e-5, scale: false)
      Dropout(rate: 0.25)
      TimeDistributed(Dense(units: 7, activation: .elu, useBias: false, kernelInitializer: .heNormal))
      LSTM(
        units: 5, recurrentActivation: .hardSigmoid, recurrentInitializer: .orthogonal(gain: 0.5),
        biasInitializer: .constant(0.25), unitForgetBias: false, returnSequences: true)
      GRU(units: 3, activation: .relu, useBias: false, returnSequences: true, resetAfter: false)
      Flatten()
      Dense(units: 4)
      ActivationLayer(.softmax)
    }
    try model.build(inputShape: [nil, 5])
    try #require(model["lstm"]).isTrainable = false
    let copy = try Sequential(configuration: model.json, seed: 4)
    #expect(copy.json == model.json)
    #expect(copy.name == "everything")
    #expect(copy["lstm"]?.isTrainable == false)
    #expect(copy["gru_1"]?.isTrainable == true)
    #expect(copy.namedParameters.map(\.path) == model.namedParameters.map(\.path))
    let ids = Tensor([Int32(3), 1, 8, 0, 0, 2, 2, 4, 5, 6], shape: [2, 5])
    let (first, second) = (try model(ids), try copy(ids))
    expectIdentical(first, second)
  }

  @Test func aPlainListOfLayersMakesAModel() throws {
    let model = try Sequential(
      configuration: parse(
        """
        [{"class_name": "InputLayer", "config": {"batch_shape": [null, 12]}},
         {"class_name": "Embedding", "config": {"input_dim": 50, "output_dim": 8.0}},
         {"class_name": "Bidirectional", "config": {"layer": {"class_name": "LSTM", "config": {"units": 4}}}},
         {"class_name": "Dense", "config": {"units": 3, "activation": "softmax", "kernel_initializer": "he_uniform"}}]
        """))
    #expect(model.parameterCount == 400 + 416 + 27)
    #expect(model.namedParameters.map(\.path).contains("bidirectional/backward_layer/weights"))
  }

  @Test func aModelMayBeALayerOfAnother() throws {
    let model = Sequential(seed: 6) {
      Embedding(inputDim: 12, outputDim: 4)
      Sequential(name: "reader") {
        LSTM(units: 5, returnSequences: true)
        GRU(units: 3)
      }
      Dense(units: 2)
    }
    try model.build(inputShape: [nil, 7])
    #expect(
      model.namedParameters.map(\.path) == [
        "embedding/embeddings", "sequential/lstm/weights", "sequential/lstm/bias", "sequential/gru/weights",
        "sequential/gru/bias", "dense/kernel", "dense/bias",
      ])
    let copy = try Sequential(configuration: model.json, seed: 6)
    let ids = Tensor((0..<14).map { Int32($0 * 5 % 12) }, shape: [2, 7])
    expectIdentical(try model(ids), try copy(ids))
    #expect(copy.json == model.json)
  }

  @Test func whatIsNotKnownIsRefusedByName() throws {
    try expectRefusal(
      #"[{"class_name": "LSTM", "config": {"units": 4, "unitz": 5}}]"#,
      "model layer 0: LSTM: expected arguments among activation, bias_initializer, clip, couple_gates, dropout, "
        + "go_backwards, kernel_initializer, learn_initial_state, memory_clip, memory_zoneout, output_activation, "
        + "projection_units, recurrent_activation, recurrent_dropout, recurrent_initializer, return_memories, "
        + "return_sequences, return_state, seed, stateful, unit_forget_bias, units, use_bias, use_peepholes, "
        + "weight_dropout, zero_output_for_mask, zoneout, got \"unitz\"")
    try expectRefusal(
      #"[{"class_name": "Flatten"}, {"class_name": "Lambda", "config": {}}]"#,
      "model layer 1: layer: expected one of \(ArgumentTests.names.joined(separator: ", ")), or one made known by "
        + "registry.register(_:), got \"Lambda\"")
  }

  @Test func whatIsWrongIsRefusedWithLayerAndArgument() throws {
    func names(_ isAllowed: (Activation) -> Bool) -> String {
      Activation.allCases.filter(isAllowed).map(\.rawValue).joined(separator: ", ")
    }
    try expectRefusal(
      #"[{"class_name": "GRU", "config": {}}]"#, "model layer 0: GRU: expected an argument units, got none")
    try expectRefusal(
      #"[{"class_name": "GRU", "config": {"units": 2.5}}]"#,
      "model layer 0: GRU argument units: expected a whole number in 1...2147483647, got 2.5")
    try expectRefusal(
      #"[{"class_name": "Dense", "config": {"units": 4, "activation": "glu"}}]"#,
      "model layer 0: Dense argument activation: expected one of \(names { _ in true }), got \"glu\"")
    try expectRefusal(
      #"[{"class_name": "LSTM", "config": {"units": 4, "recurrent_dropout": 1.2}}]"#,
      "model layer 0: LSTM argument recurrent_dropout: expected a number in 0.0...1.0, got 1.2")
    try expectRefusal(
      #"[{"class_name": "LSTM", "config": {"units": 4, "activation": "softmax"}}]"#,
      "model layer 0: LSTM argument activation: expected one of \(names(\.isElementwise)), got \"softmax\"")
    try expectRefusal(
      #"[{"class_name": "Bidirectional", "config": {"layer": {"class_name": "Flatten"}}}]"#,
      "model layer 0: Bidirectional argument layer: expected a recurrent layer, got \"Flatten\"")
    try expectRefusal(
      #"[{"class_name": "InputLayer", "config": {"batch_shape": [null, 3]}}, "#
        + [String](repeating: #"{"class_name": "Dense", "config": {"units": 2000000000}}"#, count: 2)
        .joined(separator: ", ") + "]",
      "dense_1 (Dense): expected a parameter kernel of at most 2³⁶ numbers, got shape [2000000000, 2000000000]")
    try expectRefusal(#"{"class_name": "Model"}"#, #"model: expected the class_name "Sequential", got "Model""#)
    try expectRefusal("3", "model: expected a list of layers or a Sequential, got 3")
  }

  @Test func aLayerOfOnesOwnNeedsARegistryThatKnowsIt() throws {
    let description = try parse(#"[{"class_name": "Doubling"}]"#)
    #expect(throws: RecurraError.self) { try Sequential(configuration: description) }
    let model = try Sequential(configuration: description, registry: .standard.adding(Doubling.self))
    #expect(try model(Tensor([1, 2, 3] as [Float], shape: [1, 3])).scalars(as: Float.self) == [2, 4, 6])
  }
}

private final class Doubling: Layer {
  static var typeName: String { "Doubling" }
  init(configuration: LayerArguments) throws(RecurraError) {}
  var configuration: [String: JSONValue] { [:] }
  func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] { inputShape }
  func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal { Signal(input.value * 2) }
}
