import RecurraLayers
import RecurraTensor
import Testing

/// Graphs that are none are refused, with the layer's name.
@Suite struct GraphErrorTests {
  private func expect(
    _ message: String, _ kind: RecurraError.Kind = .badArgument, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () throws -> Model
  ) {
    let error = #expect(throws: RecurraError.self, sourceLocation: sourceLocation) { _ = try body() }
    #expect(error?.description == message, sourceLocation: sourceLocation)
    #expect(error?.kind == kind, sourceLocation: sourceLocation)
  }

  private let x = Input(shape: [nil, 4], name: "x")
  private let ids = Input(shape: [nil])

  @Test func shapesAreRefusedWithTheLayersName() {
    expect(
      "classes (LSTM): expected input [B, T, I] with a known I (set returnSequences on the layer before, \"lstm\"), "
        + "got [?, 2]", .badData
    ) {
      try Model(inputs: [x], outputs: [LSTM(units: 2)(LSTM(units: 2)(x), name: "classes")])
    }
    expect(
      "add (Add): expected inputs of one shape, or of shapes that broadcast, got [?, ?, 4] and [?, ?, 3]", .badData
    ) {
      try Model(inputs: [x], outputs: [Add()(x, Dense(units: 3)(x))])
    }
    expect("functional (dense (Dense)): expected units in 1...2147483647, got 0") {
      let inner = Input(shape: [4])
      let nested = Sequential([Dense(units: 0)], name: "functional")
      return try Model(inputs: [inner], outputs: [nested(inner, name: "functional")])
    }
    expect("lstm (LSTM): expected an initial state [?, 2], got [?, 3]", .badData) {
      let h = Input(shape: [3])
      let c = Input(shape: [2])
      return try Model(inputs: [x, h, c], outputs: [LSTM(units: 2)(x, h, c)])
    }
    expect("dense (Dense): expected one input, got 2", .badData) {
      try Model(inputs: [x], outputs: [Dense(units: 1)(x, x)])
    }
    expect("gru (GRU): expected one input, or one and 1 initial states, got 3", .badData) {
      try Model(inputs: [x], outputs: [GRU(units: 1)(x, x, x)])
    }
    expect("dot (Dot): expected one batch, and one extent along axes 2 and 2, got [?, ?, 4] and [?, ?, 3]", .badData) {
      try Model(inputs: [x], outputs: [Dot(axes: 2)(x, Dense(units: 3)(x))])
    }
    expect("concatenate (Concatenate): expected inputs alike but for axis 2, got [?, ?, 4] and [?, 4]", .badData) {
      try Model(inputs: [x], outputs: [Concatenate()(x, GRU(units: 4)(x))])
    }
  }

  @Test func endsThatAreNoneAreRefused() {
    expect("Model: expected at least one input, got none") { try Model(inputs: [], outputs: [x]) }
    expect("Model: expected at least one output, got none") { try Model(inputs: [x], outputs: []) }
    expect("Model: expected all inputs that outputs depend on, got none for \"x\"") {
      try Model(inputs: [ids], outputs: [Embedding(inputDim: 3, outputDim: 4)(ids), Dense(units: 1)(x)])
    }
    expect("Model: expected inputs that outputs depend on, got an input without a name, on which none does") {
      try Model(inputs: [x, ids], outputs: [Dense(units: 1)(x)])
    }
    expect("Model: expected inputs made by Input(shape:), got the output of a layer Dense") {
      let hidden = Dense(units: 1)(x)
      return try Model(inputs: [hidden], outputs: [Dense(units: 2)(hidden)])
    }
    expect("Model: expected each input once, got one twice") { try Model(inputs: [x, x], outputs: [x]) }
    expect("Model: expected each output once, got one twice") {
      let y = Dense(units: 1)(x)
      return try Model(inputs: [x], outputs: [y, y])
    }
    expect("Model: expected inputs for a layer Add, got none") { try Model(inputs: [x], outputs: Add()([])) }
  }

  @Test func namesTellLayersApart() {
    expect("Model: expected names that differ, got \"x\" twice") {
      try Model(inputs: [x], outputs: [Dense(units: 1)(x, name: "x")])
    }
    expect("Model: expected names without \"/\", got \"a/b\"") {
      try Model(inputs: [x], outputs: [Dense(units: 1)(x, name: "a/b")])
    }
    expect("Model: expected one name for a layer, got other and one") {
      let layer = Dense(units: 4)
      return try Model(inputs: [x], outputs: [layer(layer(x, name: "one"), name: "other")])
    }
  }

  @Test func aLayerStandsInOneModelOfTheGraph() {
    expect("Model: expected each layer in one model of the graph, got one Dense in two places") {
      let layer = Dense(units: 4)
      return try Model(inputs: [x], outputs: [Sequential([layer])(layer(x))])
    }
  }

  @Test func batchesThatDoNotFitAreRefused() throws {
    let model = try Model(inputs: [x, ids], outputs: [Dense(units: 1)(x), Embedding(inputDim: 3, outputDim: 2)(ids)])
    let error = #expect(throws: RecurraError.self) { try model([.zeros([2, 3, 4])]) }
    #expect(error?.description == "Functional: expected 2 inputs, got 1")
    let other = #expect(throws: RecurraError.self) { try model([.zeros([2, 3, 5]), .zeros([2, 3])]) }
    #expect(other?.description == "dense (Dense): expected input [B, T, 4], got [2, 3, 5]" || other?.kind == .badData)
    #expect(throws: RecurraError.self) { try model([.zeros([2, 3, 4]), .zeros([2, 3])], masks: [.all]) }
    #expect(throws: RecurraError.self) { try model.outputShapes(for: [[nil, nil, 5], [nil, nil]]) }
  }
}
