import Foundation
import RecurraCells
import RecurraFormats
import RecurraLayers
import RecurraTensor
import RecurraTraining
import TestSupport
import Testing

/// Models as ONNX files say them, run as graphs of operators; `Tests/Fixtures/formats/check_onnx.py` asks ONNX Runtime.
@Suite struct ONNXExportTests {
  /// A model, and the shape that its input has; below 0 the number of ids.
  struct Case: CustomTestStringConvertible, Sendable {
    let name: String
    let features: Int
    let ids: Int
    let dtype: DType
    let layers: @Sendable () -> [any Layer]
    var testDescription: String { name }

    init(
      _ name: String, features: Int = 3, ids: Int = 0, dtype: DType = .float32,
      _ layers: @escaping @Sendable () -> [any Layer]
    ) {
      (self.name, self.features, self.ids, self.dtype, self.layers) = (name, features, ids, dtype, layers)
    }

    static let (rows, timesteps) = (4, 6)

    /// The model, with weights that differ in every gate, and what it answers.
    func made() throws -> (model: Sequential, input: Tensor) {
      let model = Sequential(layers(), name: name, seed: 5)
      let shape = ids > 0 ? [Self.rows, Self.timesteps] : [Self.rows, Self.timesteps, features]
      try model.build(inputShape: [nil, nil] + (ids > 0 ? [] : [features]), dtype: dtype)
      let random = RandomSource(seed: 11)
      for (index, parameter) in model.parameters.enumerated() {
        let drawn = random.stream(index).uniform(parameter.shape, in: 0.1..<0.9, dtype: dtype)
        parameter.value = parameter.isStatistic ? drawn : drawn - 0.45
      }
      if ids > 0 {
        // Zeros in front, within and behind.
        let numbers = (0..<Self.rows * Self.timesteps).map { Int32($0 * 7 % ids) }
        return (model, Tensor(numbers, shape: shape))
      }
      var input = random.stream(99).uniform(shape, in: -1..<1, dtype: dtype)
      // Two timesteps of padding, one of them in the middle.
      let counts = (0..<Self.rows * Self.timesteps).map { Float($0 == 3 || $0 == 11 ? 0 : 1) }
      input = input * Tensor(counts, shape: [Self.rows, Self.timesteps, 1]).converted(to: dtype)
      return (model, input)
    }
  }

  static let cells: [Case] = [
    Case("lstm") { [LSTM(units: 5, returnSequences: true)] },
    Case("lstm_last") { [LSTM(units: 5), Dense(units: 2, activation: .softmax)] },
    Case("lstm_no_bias_relu") { [LSTM(units: 5, activation: .relu, useBias: false)] },
    Case("lstm_peepholes") { [LSTM(units: 5, returnSequences: true, usePeepholes: true)] },
    Case("lstm_coupled_clip") { [LSTM(units: 5, coupleGates: true, clip: 0.3, memoryClip: 0.2)] },
    Case("lstm_projected") { [LSTM(units: 5, returnSequences: true, projectionUnits: 2)] },
    Case("lstm_functions") {
      [LSTM(units: 5, activation: .softsign, recurrentActivation: .hardSigmoid, outputActivation: .relu)]
    },
    Case("lstm_backwards_states") { [LSTM(units: 5, returnSequences: true, returnState: true, goBackwards: true)] },
    Case("lstm_start") { [LSTM(units: 5, learnsInitialState: true)] },
    Case("lstm_memories") { [LSTM(units: 5, returnSequences: true, returnMemories: true)] },
    Case("lstm_double", dtype: .float64) { [LSTM(units: 5, returnSequences: true)] },
    Case("gru") { [GRU(units: 5, returnSequences: true), GRU(units: 4)] },
    Case("gru_before") { [GRU(units: 5, returnSequences: true, resetAfter: false)] },
    Case("gru_clip") { [GRU(units: 5, clip: 0.2)] },
    Case("gru_before_clip") { [GRU(units: 5, resetAfter: false, clip: 0.2)] },
    Case("rnn") { [SimpleRNN(units: 5, returnSequences: true, returnState: true)] },
    Case("bidirectional_concat") { [Bidirectional(LSTM(units: 5, returnSequences: true))] },
    Case("bidirectional_last") { [Bidirectional(GRU(units: 5), merge: .multiply)] },
    Case("bidirectional_sum") { [Bidirectional(SimpleRNN(units: 5, returnState: true), merge: .sum)] },
    Case("bidirectional_stack") {
      [Bidirectional([LSTM(units: 5, returnSequences: true), LSTM(units: 4, returnSequences: true)], merge: .average)]
    },
    Case("bidirectional_apart") { [Bidirectional(GRU(units: 5, returnSequences: true), merge: .none)] },
    Case("indrnn") { [IndRNN(units: 5, returnSequences: true)] },
    Case("mgu") { [MGU(units: 5, returnSequences: true)] },
    Case("mingru") { [MinGRU(units: 5, returnSequences: true)] },
    Case("minlstm") { [MinLSTM(units: 5, returnSequences: true)] },
    Case("slstm") { [SLSTM(units: 5, returnSequences: true)] },
    Case("layer_norm_lstm") { [LayerNormLSTM(units: 5, returnSequences: true)] },
    Case("layer_norm_gru") { [LayerNormGRU(units: 5, returnSequences: true)] },
    Case("stack") { [RNN([LSTM(units: 3, returnSequences: true), GRU(units: 3)], residual: true)] },
    Case("masked_lstm") { [Masking(), LSTM(units: 5, returnSequences: true), GRU(units: 4)] },
    Case("masked_zero") { [Masking(), GRU(units: 5, returnSequences: true, zeroOutputForMask: true)] },
    Case("masked_bidirectional") { [Masking(), Bidirectional(LSTM(units: 5, returnSequences: true))] },
    Case("masked_mean") { [Masking(), Dense(units: 4), GlobalAveragePooling1D()] },
    Case("ids", ids: 9) { [Embedding(inputDim: 9, outputDim: 4, maskZero: true), LSTM(units: 5), Dense(units: 1)] },
    Case("ids_plain", ids: 9) { [Embedding(inputDim: 9, outputDim: 4), Bidirectional(GRU(units: 5))] },
  ]

  static let others: [Case] = [
    Case("convolution", features: 4) {
      [
        Conv1D(filters: 6, kernelSize: 3, padding: .causal, activation: .relu, useBias: true),
        Conv1D(filters: 4, kernelSize: 2, strides: 2, padding: .same, groups: 2),
      ]
    },
    Case("depthwise") { [DepthwiseConv1D(kernelSize: 2, depthMultiplier: 2), MaxPooling1D(poolSize: 2)] },
    Case("separable") { [SeparableConv1D(filters: 4, kernelSize: 3), AveragePooling1D(poolSize: 2, padding: .same)] },
    Case("norms") {
      [
        LayerNormalization(), BatchNormalization(), RMSNormalization(), UnitNormalization(),
        GroupNormalization(groups: 3), Rescaling(scale: 2, offset: 0.5), Dropout(rate: 0.5),
      ]
    },
    Case("shapes") {
      [
        ZeroPadding1D(padding: [1, 2]), Cropping1D(cropping: [1, 1]), UpSampling1D(size: 2), GlobalMaxPooling1D(),
        RepeatVector(3), Permute(dims: [2, 1]), Reshape(targetShape: [9]), Dense(units: 4),
        Reshape(targetShape: [2, 2]), Flatten(),
      ]
    },
    Case("functions") {
      [ReLU(maxValue: 0.5, negativeSlope: 0.1, threshold: 0.2), LeakyReLU(), ELU(), PReLU(sharedAxes: [1]), Softmax()]
    },
    Case("distributed") { [TimeDistributed(Dense(units: 4, activation: .tanh)), TimeDistributed(Dense(units: 2))] },
    Case("activations") {
      Activation.allCases.filter { $0 != .sparsemax }.map { ActivationLayer($0) as any Layer }
    },
  ]

  /// Where `check_onnx.py` finds the models with their inputs and outputs.
  private static let folder = ProcessInfo.processInfo.environment["RECURRA_ONNX"]

  private func write(_ name: String, _ model: any Network, _ inputs: [Tensor]) throws -> [Tensor] {
    let folder = Self.folder ?? FileManager.default.temporaryDirectory.path + "/recurra-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { if Self.folder == nil { try? FileManager.default.removeItem(atPath: folder) } }
    let path = "\(folder)/\(name).onnx"
    try ModelFormats.write(ModelDescription(model: model), to: path)
    let outputs = try model(inputs)
    if Self.folder != nil {
      for (index, input) in inputs.enumerated() { try input.writeNumPy(to: "\(folder)/\(name).input\(index).npy") }
      for (index, output) in outputs.enumerated() { try output.writeNumPy(to: "\(folder)/\(name).output\(index).npy") }
    }
    let graph = try #require(try ModelFormats.read(path).arrayGraph)
    var given: NamedValues<StoredTensor> = [:]
    for (inputName, input) in zip(graph.inputNames, inputs) { given[inputName] = StoredTensor(input) }
    let answers = try graph.run(given)
    #expect(answers.count == outputs.count)
    for (answer, output) in zip(answers, outputs) {
      expectClose(try answer.tensor(named: name, in: "test"), output, relative: 1e-5, absolute: 1e-5, name)
    }
    return outputs
  }

  @Test(arguments: cells + others)
  func theGraphGivesTheModelsAnswers(given: Case) throws {
    let (model, input) = try given.made()
    let outputs = try write(given.name, model, [input])
    #expect(outputs.allSatisfy { $0.dtype == given.dtype })
  }

  @Test func aGraphOfSeveralInputsIsSaidByItsNames() throws {
    let first = SymbolicValue(shape: [nil, 3], name: "left")
    let second = SymbolicValue(shape: [nil, 3], name: "right")
    let shared = LSTM(units: 4, returnSequences: true, returnState: true)
    let encoded = shared([first])
    let decoded = LSTM(units: 4, returnSequences: true)([second] + encoded.dropFirst())
    let both = Concatenate()([encoded[0], decoded[0]])[0]
    let sum = Add()([encoded[0], decoded[0]])[0]
    let model = try Model(inputs: [first, second], outputs: [Dense(units: 2)(both), sum])
    let random = RandomSource(seed: 3)
    let inputs = [0, 1].map { random.stream($0).uniform([4, 6, 3], in: -1..<1) }
    _ = try write("graph", model, inputs)
    #expect(model.inputNames == ["left", "right"])
  }

  @Test func whatOperatorsCannotSayIsRefusedByName() throws {
    let model = Sequential([ActivationLayer(.sparsemax)])
    try model.build(inputShape: [nil, 3])
    let path = FileManager.default.temporaryDirectory.path + "/recurra-\(UUID().uuidString).onnx"
    do {
      try ModelFormats.write(ModelDescription(model: model), to: path)
      Issue.record("it was written")
    } catch {
      #expect(error.kind == .badArgument && error.got == "sparsemax" && error.operation.contains("activation"))
    }
    #expect(!FileManager.default.fileExists(atPath: path))
  }
}
