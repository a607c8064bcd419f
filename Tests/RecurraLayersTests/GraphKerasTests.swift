import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// Graphs as Keras writes, computes and prints them.
@Suite struct GraphKerasTests {
  static let names = ["residual", "translator", "chain", "unnamed"]

  static func read(_ name: String) throws -> Model {
    try Model(configuration: JSONValue(contentsOf: fixturePath("text/graph_\(name).json")))
  }

  /// The same graphs as programs.
  static func made(_ name: String) throws -> Model {
    switch name {
    case "residual":
      let x = Input(shape: [nil, 8], name: "x")
      let read = Bidirectional(LSTM(units: 4, returnSequences: true))(x, name: "read")
      let tags = Dense(units: 3, activation: .softmax)(Add()(x, read, name: "residual"), name: "tags")
      return try Model(inputs: [x], outputs: [tags], name: "residual")
    case "translator":
      let (source, target) = (Input(shape: [7], name: "source"), Input(shape: [5], name: "target"))
      let table = Embedding(inputDim: 11, outputDim: 6)
      let sourceVectors = table(source, name: "table")
      let encoded = LSTM(units: 4, returnSequences: true, returnState: true)([sourceVectors], name: "encoder")
      let decoder = LSTM(units: 4, returnSequences: true)
      let decoded = decoder(table(target), encoded[1], encoded[2], name: "decoder")
      let weights = Softmax()(Dot(axes: 2)(decoded, encoded[0], name: "scores"), name: "weights")
      let context = Dot(axes: [2, 1])(weights, encoded[0], name: "context")
      let both = Concatenate()(context, decoded, name: "both")
      return try Model(
        inputs: [source, target], outputs: [Dense(units: 11, activation: .softmax)(both, name: "words")],
        name: "translator")
    case "chain":
      let x = Input(shape: [nil, 3], name: "x")
      return try Model(
        inputs: [x], outputs: [Dense(units: 2)(GRU(units: 5)(x, name: "gru"), name: "out")], name: "chain")
    default:
      let (x, y) = (Input(shape: [4]), Input(shape: [4]))
      let shared = Dense(units: 4)
      let (first, second) = (shared(x), shared(y))
      let joined = Concatenate()(Dense(units: 2)(second), first, shared(first))
      return try Model(inputs: [x, y], outputs: [Dense(units: 1)(joined), Dense(units: 2)(joined)])
    }
  }

  @Test(arguments: names) func theSummaryIsKerasToTheByte(_ name: String) throws {
    for model in [try Self.read(name), try Self.made(name)] {
      let length = name == "chain" ? 88 : 108
      #expect(model.summary(lineLength: length) == (try fixtureText("text/summary_graph_\(name).txt")))
      #expect(model.summary(lineLength: 76) == (try fixtureText("text/summary_graph_\(name)_narrow.txt")))
    }
  }

  @Test func aFrozenLayerOfAGraph() throws {
    let model = try Self.made("translator")
    try #require(model["table"]).isTrainable = false
    let wanted = try fixtureText("text/summary_graph_translator_frozen.txt")
    #expect(model.summary(lineLength: 110, showsTrainable: true) == wanted)
    let again = try Model(configuration: model.json)
    #expect(again.summary(lineLength: 110, showsTrainable: true) == wanted)
    #expect(again.json == model.json)
  }

  @Test(arguments: names) func aGraphOfKerasComputesWhatKerasComputed(_ name: String) throws {
    let values = try Fixture("keras_graphs")[name]
    func tensors(_ what: String) throws -> [Tensor] {
      var found: [Tensor] = []
      while let tensor = values["\(what)_\(found.count)"] { found.append(tensor) }
      return found
    }
    for model in [try Self.read(name), try Self.made(name)] {
      try model.setWeights(tensors("weight"))
      let outputs = try model(tensors("input"))
      let wanted = try tensors("output")
      #expect(outputs.count == wanted.count && !wanted.isEmpty)
      for (found, wanted) in zip(outputs, wanted) { expectClose(found, wanted, relative: 2e-5, absolute: 2e-6) }
    }
  }

  @Test(arguments: names) func jsonComesBackAsItWas(_ name: String) throws {
    let model = try Self.made(name)
    let again = try Model(configuration: JSONValue(parsing: Array(model.json.text.utf8)))
    #expect(again.json == model.json)
    #expect(again.layerNames == model.layerNames && again.inputNames == model.inputNames)
    #expect(again.namedParameters.map(\.path) == model.namedParameters.map(\.path))
    try again.setWeights(model.weights)
    let inputs = try (0..<model.inputNames.count).map { index in
      try #require(Fixture("keras_graphs")[name]["input_\(index)"])
    }
    for (found, wanted) in zip(try again(inputs), try model(inputs)) { expectIdentical(found, wanted) }
  }
}
