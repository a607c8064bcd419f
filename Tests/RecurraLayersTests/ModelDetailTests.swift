import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// Small things of models that are easily lost: names, shapes and states on their way through layers and files.
@Suite struct ModelDetailTests {
  private func model(_ json: String) throws -> Sequential {
    try Sequential(configuration: JSONValue(parsing: Array(json.utf8)))
  }

  private func expectRefusal(
    _ words: String..., sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
  ) {
    let error = #expect(throws: RecurraError.self, sourceLocation: sourceLocation) { try body() }
    for word in words {
      #expect(error?.description.contains(word) == true, "\(error as Any)", sourceLocation: sourceLocation)
    }
  }

  @Test func anInputLayerStandsFirst() throws {
    let first = #"{"class_name": "InputLayer", "config": {"batch_shape": [null, 3]}}"#
    let dense = #"{"class_name": "Dense", "config": {"units": 2}}"#
    #expect(try model("[\(first), \(dense)]").inputShape == [nil, 3])
    expectRefusal("model layer 1", "the first place", "a later one") { _ = try model("[\(dense), \(first)]") }
    expectRefusal("model layer 0", "a batch_shape") { _ = try model(#"[{"class_name": "InputLayer"}, \#(dense)]"#) }
    // What the first layer says of its input goes before what was noted when the model was built.
    let both = #"{"layers": [\#(first), \#(dense)], "build_input_shape": [null, 3]}"#
    #expect(try model(both).inputShape == [nil, 3])
  }

  @Test func namesAreTextsWithoutSlashes() throws {
    func dense(_ name: String) -> String { #"{"class_name": "Dense", "config": {"units": 2, "name": \#(name)}}"# }
    for name in [#""""#, #""a/b""#, "7", "true", "[]"] {
      expectRefusal("layer argument name", #"a text without "/""#) { _ = try model("[\(dense(name))]") }
    }
    #expect(try model("[\(dense("null")), \(dense(#""x""#))]").layerNames == ["dense", "x"])
  }

  @Test func namesThatAreMadeKeepClearOfThoseThatAreGiven() throws {
    let named = #"{"class_name": "Dense", "config": {"units": 2, "name": "dense"}}"#
    let plain = #"{"class_name": "Dense", "config": {"units": 2}}"#
    #expect(try model("[\(plain), \(named), \(plain)]").layerNames == ["dense_1", "dense", "dense_2"])
    let further = #"{"class_name": "Dense", "config": {"units": 2, "name": "dense_1"}}"#
    #expect(try model("[\(named), \(further), \(plain)]").layerNames == ["dense", "dense_1", "dense_2"])
  }

  @Test func aNumberOfRowsIsNoPartOfAModel() throws {
    let model = Sequential { Dense(units: 2) }
    try model.build(inputShape: [5, 3])
    #expect(model.configuration["build_input_shape"] == .array([.null, .integer(3)]))
    #expect(try model(Tensor.zeros([4, 3])).shape == [4, 2])
  }

  @Test func statesPassThroughLayersThatHaveNone() throws {
    let x = Tensor.varied([2, 4, 3], dtype: .float32)
    let lone = GRU(units: 5, returnSequences: true, returnState: true)
    for (behind, shape) in [
      ([Flatten()], [2, 20]), ([Dense(units: 2), Flatten()], [2, 8]), ([TimeDistributed(Dense(units: 2))], [2, 4, 2]),
      ([Dropout(rate: 0.5), LayerNormalization(), ActivationLayer(.relu), Flatten()], [2, 20]),
    ] as [([any Layer], [Int])] {
      let model = Sequential([GRU(units: 5, returnSequences: true, returnState: true)] + behind, seed: 2)
      try model.build(inputShape: [nil, 4, 3])
      if !lone.isBuilt { try lone.build(inputShape: [nil, 4, 3], random: RandomSource(seed: 9), dtype: .float32) }
      try lone.setWeights(model.layers[0].weights)
      let wanted = try lone.forward(Signal(x), ForwardContext()).states
      let found = try model.forward(Signal(x), ForwardContext())
      #expect(found.value.shape == shape && found.states.count == 1 && wanted.count == 1)
      expectIdentical(found.states[0], wanted[0])
    }
  }

  @Test func directionsAgreeInWhatTheyReturn() {
    for (first, second) in [
      (LSTM(units: 2, returnState: true), LSTM(units: 2, goBackwards: true)),
      (LSTM(units: 2), LSTM(units: 2, returnState: true, goBackwards: true)),
      (LSTM(units: 2, returnSequences: true), LSTM(units: 2, goBackwards: true)),
    ] {
      expectRefusal("layers that agree in returnSequences and returnState") {
        try Bidirectional(first, backwardLayer: second).checkSettings()
      }
    }
  }

  @Test func statesOfAnotherTypeOrShapeAreRefused() throws {
    let layer = LSTM(units: 3)
    try layer.build(inputShape: [nil, nil, 2], random: RandomSource(seed: 1), dtype: .float32)
    let (x, state) = (Tensor.zeros([2, 4, 2]), Tensor.zeros([2, 3]))
    #expect(try layer.forward(Signal(x, states: [state, state]), ForwardContext()).value.shape == [2, 3])
    for wrong in [Tensor.zeros([2, 3], dtype: .float64), .zeros([1, 3]), .zeros([2, 4]), .zeros([6])] {
      for states in [[wrong, state], [state, wrong]] {
        expectRefusal("initial states float32 [2, 3]", "\(wrong.dtype) \(wrong.shape)") {
          _ = try layer.forward(Signal(x, states: states), ForwardContext())
        }
      }
    }
    expectRefusal("2 initial states", "1") { _ = try layer.forward(Signal(x, states: [state]), ForwardContext()) }
  }

  @Test func theForgetGatesOnesStandInADrawnBias() throws {
    func bias(_ unitForgetBias: Bool) throws -> [Double] {
      let layer = LSTM(units: 3, biasInitializer: .randomNormal(), unitForgetBias: unitForgetBias)
      try layer.build(inputShape: [nil, nil, 2], random: RandomSource(seed: 4), dtype: .float64)
      return try #require(layer.bias).doubles
    }
    let (drawn, found) = (try bias(false), try bias(true))
    #expect(Set(drawn).count == 12)
    #expect(found == drawn[0..<3] + [1, 1, 1] + drawn[6..<12])
  }

  @Test func memoryIsCountedInPowersOfTwo() throws {
    // 250 numbers are 1,000 bytes, 256 are 1,024.
    for (outputs, text) in [(250, "250 (1000.00 B)"), (256, "256 (1.00 KB)"), (255, "255 (1020.00 B)")] {
      let model = Sequential { Dense(units: outputs, useBias: false) }
      try model.build(inputShape: [nil, 1])
      #expect(model.summary(lineLength: 60).contains(" Total params: \(text)\n"))
    }
  }

  @Test func aTitleThatJustFitsStaysOnOneLine() throws {
    // The first column of 40 is 18 wide, of which 16 are for text: "abcdefgh (Dense)" has 16.
    func lines(_ name: String) throws -> Int {
      let json = #"[{"class_name": "Dense", "config": {"units": 1, "name": "\#(name)"}}]"#
      let model = try self.model(json)
      try model.build(inputShape: [nil, 1])
      return model.summary(lineLength: 40).split(separator: "\n").count { $0.hasPrefix("│") }
    }
    let most = try (1...30).last { try lines(String(repeating: "a", count: $0)) == 1 }
    let width = try #require(most)
    let model = try self.model(
      #"[{"class_name": "Dense", "config": {"units": 1, "name": "\#(String(repeating: "a", count: width))"}}]"#)
    let line = model.summary(lineLength: 40).split(separator: "\n").first { $0.hasPrefix("│") }
    // A space on each side of the text, and none to spare.
    #expect(line?.hasPrefix("│ \(String(repeating: "a", count: width)) (Dense) │") == true, "\(line ?? "")")
  }
}
