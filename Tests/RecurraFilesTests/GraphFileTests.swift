import Foundation
import RecurraLayers
import RecurraTensor
import Testing

/// Graphs in files: they come back to the bit, and files that hold none are refused.
@Suite struct GraphFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func model(dtype: DType = .float32) throws -> Model {
    let (words, h) = (Input(shape: [nil], name: "words"), Input(shape: [3]))
    let table = Embedding(inputDim: 11, outputDim: 3, maskZero: true)
    let outputs = GRU(units: 3, returnSequences: true, returnState: true)([table(words), h])
    let inside = Input(shape: [nil, 3])
    let nested = try Model(inputs: [inside], outputs: [Dense(units: 3)(inside)], name: "inner", dtype: dtype)
    let added = Add()(outputs[0], nested(table(words)))
    return try Model(
      inputs: [words, h], outputs: [Dense(units: 2, activation: .softmax)(added), outputs[1]], name: "graph", seed: 7,
      dtype: dtype)
  }

  private func ids() -> Tensor { Tensor([1, 5, 0, 10, 3, 2, 7, 9, 4, 6, 8, 0].map(Int32.init), shape: [3, 4]) }

  @Test(arguments: [DType.float32, .float64]) func aLoadedGraphPredictsTheSameToTheBit(_ dtype: DType) throws {
    let model = try model(dtype: dtype)
    try model.save(to: folder("model"), notes: ["a": "b"])
    let loaded = try Model.load(from: folder("model"))
    #expect(loaded.dtype == dtype && loaded.json == model.json && loaded.name == "graph")
    #expect(loaded.namedParameters.map(\.path) == model.namedParameters.map(\.path))
    let state = Tensor.full([3, 3], 0.25, dtype: dtype)
    for (found, wanted) in zip(try loaded([ids(), state]), try model([ids(), state])) {
      #expect(found.description == wanted.description)
      #expect(found.converted(to: .float64).scalars(as: Double.self) == wanted.converted(to: .float64).scalars())
    }
    try loaded.save(to: folder("again"), notes: ["a": "b"])
    #expect(try bytes(of: folder("again")) == bytes(of: folder("model")))
    #expect(try ModelFile(contentsOf: folder("model")).model.outputNames == ["dense_1", "gru"])
  }

  @Test func everyTruncationThrows() throws {
    try model().save(to: folder("model"))
    try expectErrorForEveryTruncation(of: bytes(of: folder("model")), in: folder) { _ = try Model.load(from: $0) }
  }

  @Test func aKindIsNotTakenForTheOther() throws {
    try model().save(to: folder("graph"))
    let list = Sequential { Dense(units: 2) }
    try list.build(inputShape: [nil, 3])
    try list.save(to: folder("list"))
    expectError(.badFile, "Model.load") { _ = try Sequential.load(from: folder("graph")) }
    expectError(.badFile, "Sequential.load") { _ = try Model.load(from: folder("list")) }
  }

  @Test func everyTruncationOfTheDescriptionThrows() throws {
    let text = try model().json.text
    for count in 0..<text.utf8.count {
      #expect(throws: RecurraError.self) {
        _ = try Model(configuration: JSONValue(parsing: Array(text.utf8.prefix(count))))
      }
    }
  }

  private static let input = #"{"class_name":"InputLayer","name":"x","config":{"batch_shape":[null,4]}}"#

  /// A graph with one dense layer "d" whose calls are `calls`, and its ends.
  private static func graph(
    calls: String = #"[[["x",0,0]]]"#, inputs: String = #"[["x",0,0]]"#, outputs: String = #"[["d",0,0]]"#,
    name: String = #""d""#, more: String = ""
  ) -> String {
    #"{"class_name":"Functional","config":{"layers":["# + input
      + #",{"class_name":"Dense","name":"# + name + #","config":{"units":4},"inbound_nodes":"# + calls + "}" + more
      + #"],"input_layers":"# + inputs + #","output_layers":"# + outputs + "}}"
  }

  @Test func aGraphOfOneLayerIsRead() throws {
    let json = try JSONValue(parsing: Array(Self.graph().utf8))
    let model = try Model(configuration: json)
    #expect(model.layerNames == ["d"] && model.isChain)
    // Keras writes a single end without a list around it.
    let bare = Self.graph(inputs: #"["x",0,0]"#, outputs: #"["d",0,0]"#)
    #expect(try Model(configuration: JSONValue(parsing: Array(bare.utf8))).json == model.json)
  }

  static let wrong: [(String, String)] = [
    (graph(calls: #"[[["d",0,0]]]"#), "a graph without cycles, got one through \"d\""),
    (graph(calls: #"[[["d",1,0]],[["d",0,0]]]"#), "a graph without cycles"),
    (graph(calls: #"[[["y",0,0]]]"#), "the name of a layer, got \"y\", which there is not"),
    (graph(calls: #"[[["x",1,0]]]"#), "one of 1 calls of \"x\", got number 1"),
    (graph(calls: #"[[["x",0,1]]]"#), "one of 1 outputs of \"x\", got number 1"),
    (graph(calls: #"[[["x",0,-1]]]"#), "outputs of \"x\", got number -1"),
    (graph(calls: #"[[["x",0]]]"#), "[\"name\", call, output]"),
    (graph(calls: #"[[["x",0.5,0]]]"#), "[\"name\", call, output]"),
    (graph(calls: #"[[["x",0,0,{"mask":1}]]]"#), "[\"name\", call, output]"),
    (graph(calls: "[[]]"), "sources"), (graph(calls: "[1]"), "sources"), (graph(calls: "[]"), "inbound_nodes of \"d\""),
    (graph(calls: "{}"), "inbound_nodes of \"d\""),
    (graph(calls: #"[{"args":[],"kwargs":{}}]"#), "sources"),
    (graph(calls: #"[{"args":[7],"kwargs":{}}]"#), "calls with values alone, got an argument 7"),
    (graph(calls: #"[[["x",0,0]],[["x",0,0]]]"#), "layers that outputs depend on, got \"d\""),
    (graph(inputs: "[]"), "at least one input"), (graph(outputs: "[]"), "at least one output"),
    (graph(inputs: "7"), "a list"), (graph(outputs: #"[["d",0,1]]"#), "one of 1 outputs"),
    (graph(inputs: #"[["d",0,0]]"#), "inputs made by Input(shape:), got the output of \"d\""),
    (graph(inputs: #"[["x",0,0],["x",0,0]]"#), "each input once"),
    (graph(outputs: #"[["d",0,0],["d",0,0]]"#), "each output once"),
    (graph(outputs: #"[["x",0,0]]"#), "layers that outputs depend on"),
    (graph(name: #""x""#), "names that differ, got \"x\" twice"),
    (graph(outputs: #"[["a/b",0,0]]"#, name: #""a/b""#), "names without"),
    (graph(name: #""""#), "a layer with a name"), (graph(name: "7"), "a layer with a name"),
    (graph(calls: #"[[["x",0,0],["x",0,0]]]"#), "d (Dense): expected one input, got 2"),
    (
      graph(more: #",{"class_name":"InputLayer","name":"y","config":{"batch_shape":[null,4]}}"#),
      "inputs that outputs depend on, got \"y\""
    ),
    (graph(more: #",{"class_name":"InputLayer","name":"y","config":{}}"#), "a batch_shape, got none"),
    (graph(more: #",{"class_name":"Lambda","name":"y","config":{}}"#), "Lambda"),
    (graph(more: #",{"class_name":"Dense","name":"y","config":{"unit":3}}"#), "unit"), (graph(more: ",7"), "name"),
    (#"{"class_name":"Functional","config":{}}"#, "a list"), (#"{"class_name":"Functional","config":7}"#, "an object"),
    (#"{"class_name":"Functional"}"#, "a list"), (#"{"class_name":"Model","config":{}}"#, "Functional"),
    ("[]", "object"),
  ]

  @Test(arguments: wrong) func whatIsNoGraphIsRefused(_ text: String, _ words: String) throws {
    let error = #expect(throws: RecurraError.self) {
      _ = try Model(configuration: JSONValue(parsing: Array(text.utf8)))
    }
    #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    let list = Sequential { Dense(units: 2) }
    try list.build(inputShape: [nil, 3])
    try list.save(to: folder("model"))
    var file = try SafeTensors(contentsOf: folder("model"))
    file.metadata["architecture"] = text
    try file.write(to: folder("model"))
    expectError(.badFile, "read \(folder("model"))") { _ = try Model.load(from: folder("model")) }
  }

  @Test func aLongGraphNeedsNoDeepStack() throws {
    var layers = [Self.input]
    for index in 0..<3_000 {
      let source = index == 0 ? "x" : "a\(index - 1)"
      layers.append(
        #"{"class_name":"Activation","name":"a\#(index)","config":{"activation":"tanh"},"#
          + #""inbound_nodes":[[["\#(source)",0,0]]]}"#
      )
    }
    let text =
      #"{"class_name":"Functional","config":{"layers":["# + layers.reversed().joined(separator: ",")
      + #"],"input_layers":[["x",0,0]],"output_layers":[["a2999",0,0]]}}"#
    let model = try Model(configuration: JSONValue(parsing: Array(text.utf8)))
    #expect(model.layers.count == 3_000 && model.layerNames.first == "a0" && model.isChain)
  }
}
