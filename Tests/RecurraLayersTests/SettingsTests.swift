import Foundation
import RecurraCells
import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// Bad settings of layers, made in code: the layer keeps them, and building says which one is bad.
@Suite struct SettingsTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let shape: [Int?]
    let make: @Sendable () -> any Layer

    init(_ message: String, _ shape: [Int?] = [nil, 5, 3], _ make: @escaping @Sendable () -> any Layer) {
      (testDescription, self.shape, self.make) = (message, shape, make)
    }
  }

  private static let sizes = "1...2147483647"

  static let bad: [Case] = [
    Case("Dense: expected units in \(sizes), got 0") { Dense(units: 0) },
    Case("Dense: expected units in \(sizes), got -1") { Dense(units: -1) },
    Case("Dense: expected units in \(sizes), got \(Int.max)") { Dense(units: .max) },
    Case("Dense: expected units in \(sizes), got \(Int.min)") { Dense(units: .min) },
    Case("LSTM: expected units in \(sizes), got 0") { LSTM(units: 0) },
    Case("GRU: expected units in \(sizes), got -3") { GRU(units: -3) },
    Case("SimpleRNN: expected units in \(sizes), got \(Int.max)") { SimpleRNN(units: .max) },
    Case("LSTM: expected units in \(sizes), got 0") { LSTM(cell: .init(), options: RecurrentOptions(units: 0)) },
    Case("GRU: expected units in \(sizes), got 0") { Bidirectional(GRU(units: 0)) },
    Case("LSTM: expected units in \(sizes), got \(Int.max)") { Bidirectional(LSTM(units: .max)) },
    Case("Dense: expected units in \(sizes), got 0") { TimeDistributed(Dense(units: 0)) },
    Case("Embedding: expected inputDim in \(sizes), got 0", [nil, 5]) { Embedding(inputDim: 0, outputDim: 2) },
    Case("Embedding: expected outputDim in \(sizes), got -2", [nil, 5]) { Embedding(inputDim: 3, outputDim: -2) },
    Case("Embedding: expected outputDim in \(sizes), got \(Int.max)", [nil, 5]) {
      Embedding(inputDim: 3, outputDim: .max)
    },
    Case("Dropout: expected rate in 0.0...1.0, got 7.0") { Dropout(rate: 7) },
    Case("Dropout: expected rate in 0.0...1.0, got -0.1") { Dropout(rate: -0.1) },
    Case("Dropout: expected rate in 0.0...1.0, got nan") { Dropout(rate: .nan) },
    Case("Dropout: expected rate in 0.0...1.0, got inf") { TimeDistributed(Dropout(rate: .infinity)) },
    Case("LayerNormalization: expected epsilon of at least 0.0, and finite, got -0.001") {
      LayerNormalization(epsilon: -0.001)
    },
    Case("LayerNormalization: expected epsilon of at least 0.0, and finite, got nan") {
      LayerNormalization(epsilon: .nan)
    },
    Case("LayerNormalization: expected epsilon of at least 0.0, and finite, got inf") {
      LayerNormalization(epsilon: .infinity)
    },
    Case("LSTM: expected an elementwise activation, got softmax") { LSTM(units: 2, activation: .softmax) },
    Case("GRU: expected an elementwise activation, got log_softmax") {
      GRU(units: 2, recurrentActivation: .logSoftmax)
    },
    Case("SimpleRNN: expected an elementwise activation, got softmax") {
      Bidirectional(SimpleRNN(units: 2, activation: .softmax))
    },
    Case("Bidirectional: expected a layer that reads from the beginning, got one with goBackwards") {
      Bidirectional(LSTM(units: 2, goBackwards: true))
    },
    Case("Bidirectional: expected a backward layer with goBackwards, got one without") {
      Bidirectional(LSTM(units: 2), backwardLayer: LSTM(units: 2))
    },
    Case("Bidirectional: expected layers that agree in returnSequences and returnState, got layers that do not") {
      Bidirectional(LSTM(units: 2), backwardLayer: LSTM(units: 2, returnSequences: true, goBackwards: true))
    },
    Case("Bidirectional: expected layers of one size for merge sum, got 2 and 3 units") {
      Bidirectional(LSTM(units: 2), merge: .sum, backwardLayer: LSTM(units: 3, goBackwards: true))
    },
    Case("Sequential: expected at least one layer, got none") { Sequential([]) },
    Case("Sequential: expected each layer once, got one again as \"flatten_1\"") {
      let layer = Flatten()
      return Sequential([layer, Dropout(rate: 0), layer])
    },
    Case(initializer("Dense", "kernel", "with a minimum below its maximum", "RandomUniform", "minval", 1, "maxval", 1))
    {
      Dense(units: 2, kernelInitializer: .randomUniform(minimum: 1, maximum: 1))
    },
    Case(initializer("LSTM", "kernel", "with a minimum below its maximum", "RandomUniform", "minval", 2, "maxval", 1)) {
      LSTM(units: 2, kernelInitializer: .randomUniform(minimum: 2, maximum: 1))
    },
    Case(
      initializer(
        "LSTM", "recurrent kernel", "with a finite mean and a deviation of 0 or more", "RandomNormal", "mean", 0,
        "stddev", -1)
    ) { LSTM(units: 2, recurrentInitializer: .randomNormal(standardDeviation: -1)) },
    Case(
      initializer(
        "Embedding", "embeddings", "with a finite mean and a deviation of 0 or more", "TruncatedNormal", "mean", .nan,
        "stddev", 1), [nil, 5]
    ) {
      Embedding(
        inputDim: 3, outputDim: 2, embeddingsInitializer: .truncatedNormal(mean: .nan, standardDeviation: 1))
    },
    Case(initializer("Dense", "bias", "for a vector", "Orthogonal", "gain", 1)) {
      Dense(units: 2, biasInitializer: .orthogonal())
    },
    Case(initializer("GRU", "bias", "for a vector", "Orthogonal", "gain", 1)) {
      GRU(units: 2, biasInitializer: .orthogonal())
    },
    Case(initializer("LayerNormalization", "gamma", "for a vector", "Orthogonal", "gain", 1)) {
      LayerNormalization(gammaInitializer: .orthogonal())
    },
    Case(initializer("LayerNormalization", "beta", "with a finite float32", "Constant", "value", 1e300)) {
      LayerNormalization(betaInitializer: .constant(1e300))
    },
    Case(initializer("Dense", "kernel", "with a finite gain", "Orthogonal", "gain", .infinity)) {
      Dense(units: 2, kernelInitializer: .orthogonal(gain: .infinity))
    },
    Case(
      initializer("Dense", "kernel", "with a finite range of float32", "RandomUniform", "minval", -3e38, "maxval", 3e38)
    ) {
      Dense(units: 2, kernelInitializer: .randomUniform(minimum: -3e38, maximum: 3e38))
    },
  ]

  private static func initializer(
    _ layer: String, _ name: String, _ fault: String, _ className: String, _ first: String, _ one: Double,
    _ second: String? = nil, _ two: Double = 0
  ) -> String {
    var config = [(name: first, value: JSONValue.number(one))]
    if let second { config.append((second, .number(two))) }
    let json = JSONValue.object([("class_name", .string(className)), ("config", .object(config))])
    return "\(layer): expected an initialiser of the \(name) \(fault), got \(json.text)"
  }

  private func expectMessage(
    _ message: String, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
  ) {
    let error = #expect(throws: RecurraError.self, sourceLocation: sourceLocation) { try body() }
    #expect(error?.description == message, sourceLocation: sourceLocation)
    #expect(error?.kind == .badArgument, sourceLocation: sourceLocation)
  }

  @Test(arguments: bad) func areRefusedByBuildInTheWordsOfTheLayer(_ bad: Case) throws {
    let layer = bad.make()
    expectMessage(bad.testDescription) {
      try layer.build(inputShape: bad.shape, random: RandomSource(seed: 1), dtype: .float32)
    }
    // A model says which layer of its own it is; what has no layer of its own to name says it itself.
    let model = Sequential([bad.make()])
    expectMessage("\(model.layerNames[0]) (\(bad.testDescription))".placingExpectation) {
      try model.build(inputShape: bad.shape)
    }
    let input = Tensor.zeros(bad.shape.map { $0 ?? 2 })
    let (fresh, freshModel) = (bad.make(), Sequential([bad.make()]))
    #expect(throws: RecurraError.self) { _ = try freshModel.callAsFunction(input, lengths: nil) }
    #expect(throws: RecurraError.self) { try run(fresh, input) }
  }

  private func run(_ layer: any Layer, _ input: Tensor) throws { _ = try layer.callAsFunction(input, lengths: nil) }

  @Test func areRefusedAlsoByLayersThatWereNeverBuilt() {
    let (input, training) = (Signal(Tensor.zeros([2, 3])), ForwardContext(isTraining: true))
    for context in [ForwardContext(), training] {
      expectMessage("Dropout: expected rate in 0.0...1.0, got 7.0") {
        _ = try Dropout(rate: 7).forward(input, context)
      }
    }
  }

  @Test func ofDirectionsAreRefusedAlsoWhenTheLayersAreBuiltAlready() throws {
    let (forward, backward) = (LSTM(units: 2), LSTM(units: 3, goBackwards: true))
    for layer in [forward, backward] {
      try layer.build(inputShape: [nil, nil, 4], random: RandomSource(seed: 1), dtype: .float32)
    }
    let layer = Bidirectional(forward, merge: .multiply, backwardLayer: backward)
    #expect(layer.isBuilt)
    expectMessage("Bidirectional: expected layers of one size for merge multiply, got 2 and 3 units") {
      _ = try layer(Tensor.zeros([2, 5, 4]))
    }
  }

  @Test func refusedLayersChangeNothing() throws {
    let model = Sequential {
      LSTM(units: 3)
      Dropout(rate: 7)
    }
    for _ in 0..<2 {
      expectMessage("dropout (Dropout): expected rate in 0.0...1.0, got 7.0") {
        try model.build(inputShape: [nil, nil, 2])
      }
    }
    #expect(!model.isBuilt && model.outputShapes == nil)
  }

  @Test(
    arguments: [
      [nil, -3], [nil, -1, 3], [-2, 5, 3], [nil, 5, -3], [nil, nil, Int.min], [nil, -1],
    ] as [[Int?]]) func shapesWithExtentsBelowZeroAreRefused(_ shape: [Int?])
  {
    let layers: [@Sendable () -> any Layer] = [
      { Dense(units: 50) }, { LSTM(units: 50) }, { Bidirectional(GRU(units: 50)) },
      { Embedding(inputDim: 4, outputDim: 2) },
      { Dropout(rate: 0.5) }, { ActivationLayer(.relu) }, { Flatten() }, { LayerNormalization() },
      { TimeDistributed(Dense(units: 50)) }, { Sequential([Flatten()]) },
    ]
    for make in layers {
      let error = #expect(throws: RecurraError.self) {
        try make().build(inputShape: shape, random: RandomSource(seed: 1), dtype: .float32)
      }
      #expect(error?.kind == .badData, "\(error?.description ?? "")")
      #expect(throws: RecurraError.self) { try Sequential([make()]).build(inputShape: shape) }
    }
  }

  @Test func shapesThatNoMachineHoldsAreRefused() {
    for features in [Int.max, 1 << 40, (1 << 36) + 1] {
      for layer in [LSTM(units: 3), Dense(units: 3), LayerNormalization()] as [any Layer] {
        #expect(throws: RecurraError.self) {
          try layer.build(inputShape: [nil, nil, features], random: RandomSource(seed: 1), dtype: .float32)
        }
      }
    }
    #expect(throws: RecurraError.self) {
      try LSTM(units: Int(Int32.max)).build(
        inputShape: [nil, nil, 1 << 36], random: RandomSource(seed: 1), dtype: .float32)
    }
    #expect(throws: RecurraError.self) { try Sequential { Flatten() }.build(inputShape: []) }
  }

  @Test func summariesFitAnyTerminal() throws {
    let model = Sequential { Dense(units: 3) }
    for length in [Int.min, -1, 0, 3, 19] {
      #expect(model.summary(lineLength: length) == model.summary(lineLength: 20))
      #expect(
        model.summary(lineLength: length, showsTrainable: true) == model.summary(lineLength: 40, showsTrainable: true))
    }
  }
}

extension String {
  /// "a (B: expected …)" as errors of models have it: "a (B): expected …".
  fileprivate var placingExpectation: String {
    guard let colon = range(of: ": expected"), hasSuffix(")") else { return self }
    var text = String(dropLast())
    text.insert(")", at: colon.lowerBound)
    return text
  }
}
