import RecurraFormats
import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

@Suite struct KerasWeightsTests {
  private static let models = ["recurrent", "around", "graph"]

  /// A model of the fixtures, built, with weights of its own.
  static func model(_ name: String, seed: UInt64 = 3) throws -> any Network {
    let path = Fixture.path("formats/keras/\(name).json")
    let model = try NetworkKind(configuration: JSONValue(contentsOf: path), seed: seed).network
    try model.build(inputShapes: [try tensor("\(name).input").shape.map { Optional($0) }], dtype: .float32)
    return model
  }

  static func tensor(_ name: String) throws -> Tensor {
    try #require(try SafeTensors(contentsOf: Fixture.path("formats/keras/keras.safetensors")).tensors[name])
  }

  private func expectAnswers(_ model: any Network, _ name: String, _ file: String) throws {
    let output = try model.forward([Value(try Self.tensor("\(name).input"))], ForwardContext())[0].tensor
    expectClose(output, try Self.tensor("\(name).output"), relative: 1e-5, toLargest: true, file)
  }

  @Test(arguments: [
    ("recurrent", "recurrent.weights.h5"), ("recurrent", "recurrent.2.h5"), ("around", "around.weights.h5"),
    ("graph", "graph.weights.h5"), ("graph", "graph.h5"), ("graph", "graph.2.weights.h5"),
  ])
  func aModelAnswersAsInKeras(name: String, file: String) throws {
    let model = try Self.model(name)
    try KerasWeights.load(into: model, from: HDF5File.fixture(file))
    try expectAnswers(model, name, file)
  }

  @Test(arguments: models)
  func whatIsWrittenIsReadAgain(name: String) throws {
    let model = try Self.model(name)
    try KerasWeights.load(into: model, from: HDF5File.fixture("\(name).weights.h5"))
    let bytes = try HDF5Writer.bytes(of: KerasWeights.tree(of: model))
    let other = try Self.model(name, seed: 4)
    try KerasWeights.load(into: other, from: HDF5File.read(InputFile(bytes, operation: "read back")))
    for (one, two) in zip(model.weights, other.weights) { #expect(StoredTensor(one) == StoredTensor(two)) }
    try HDF5File.leave(bytes, as: "\(name).weights.h5")
  }

  @Test(arguments: models)
  func theTreeIsThatOfKeras(name: String) throws {
    let model = try Self.model(name)
    let keras = try HDF5File.fixture("\(name).weights.h5")
    try KerasWeights.load(into: model, from: keras)
    let (own, theirs) = (try KerasWeights.tree(of: model).datasets(), try keras.datasets())
    #expect(own.map(\.path) == theirs.map(\.path))
    for (one, other) in zip(own, theirs) {
      #expect(try one.dataset.tensor(named: "a") == other.dataset.tensor(named: "b"), "\(one.path)")
    }
  }

  @Test func aFileOfAnotherModelIsRefusedByNameAndNothingChanges() throws {
    func refusal(_ change: (inout HDF5Group) -> Void) throws -> RecurraError {
      let model = try Self.model("recurrent")
      let before = model.weights.map { StoredTensor($0) }
      var root = try HDF5File.fixture("recurrent.weights.h5")
      change(&root)
      let error = try #require(throws: RecurraError.self) { try KerasWeights.load(into: model, from: root) }
      #expect(model.weights.map { StoredTensor($0) } == before)
      #expect(error.kind == .badFile && error.operation.contains("recurrent.weights.h5"), "\(error)")
      return error
    }
    let value = HDF5Dataset(StoredTensor(Tensor.ones([2])))
    let missing = try refusal { $0.change(["layers", "lstm_1"][...]) { $0.members = [:] } }
    #expect(missing.expected.contains("alpha"), "\(missing)")
    let fewer = try refusal { $0.change(["layers", "dense", "vars"][...]) { $0.members["1"] = nil } }
    #expect(fewer.expected.contains("2 weights of \"first\"") && fewer.got == "1", "\(fewer)")
    let more = try refusal { $0.add(value, at: ["layers", "dense", "vars", "2"]) }
    #expect(more.got == "3", "\(more)")
    let further = try refusal { $0.add(value, at: ["layers", "dense_2", "vars", "0"]) }
    #expect(further.expected.contains("/layers/dense_2"), "\(further)")
    let other = try refusal { $0.add(value, at: ["layers", "conv1d", "vars", "0"]) }
    #expect(other.expected.contains("/layers/conv1d"), "\(other)")
    let shape = try refusal { $0.add(value, at: ["layers", "dense", "vars", "0"]) }
    #expect(shape.expected.contains("first") && shape.expected.contains("kernel"), "\(shape)")
    let gap = try refusal {
      $0.change(["layers", "dense", "vars"][...]) { vars in
        vars.members["2"] = vars.members["1"]
        vars.members["1"] = nil
      }
    }
    #expect(gap.expected.contains("numbered"), "\(gap)")
    let ownWeight = try refusal { $0.add(value, at: ["vars", "0"]) }
    #expect(ownWeight.expected.contains("model itself"), "\(ownWeight)")
  }

  @Test func pathsWithBackslashesAndTheNamesOfOlderVersionsAreRead() throws {
    let keras = try HDF5File.fixture("graph.weights.h5")
    var old = HDF5Group(operation: "read old")
    for (path, dataset) in try keras.datasets() {
      let path = path.replacing("layers/", with: "_layer_checkpoint_dependencies/")
        .replacing("query_dense", with: "_query_dense").replacing("/", with: "\\")
      old.members[path] = .dataset(dataset)
    }
    let model = try Self.model("graph")
    try KerasWeights.load(into: model, from: old)
    try expectAnswers(model, "graph", "old paths")
  }

  @Test func theOptimizersVariablesAreInOrder() throws {
    var root = HDF5Group()
    let numbers = (0..<12).map { StoredTensor(Tensor(Double($0), dtype: .float32)) }
    KerasWeights.addOptimizer(numbers, named: "adam", to: &root)
    let back = try HDF5File.read(InputFile(try HDF5Writer.bytes(of: root), operation: "read back"))
    let variables = try #require(try KerasWeights.optimizerVariables(in: back))
    #expect(variables.map(\.value) == numbers && variables[10].name == "10")
    #expect(try back.group("optimizer/vars")?.attributes["name"] == .text("adam"))
    #expect(try KerasWeights.optimizerVariables(in: HDF5Group()) == nil)
  }
}
