import Foundation
import RecurraLayers
import RecurraTensor
import Testing

/// What the versions of the model file hold, and what is none of them.
@Suite struct ModelFileVersionTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func model() throws -> Sequential {
    let model = Sequential(seed: 3) {
      LSTM(units: 2)
      Dense(units: 3)
    }
    try model.build(inputShape: [nil, nil, 1])
    return model
  }

  /// Saves the model's file again with changed content.
  private func altered(_ change: (inout SafeTensors) -> Void) throws -> String {
    let path = folder("altered")
    try model().save(to: path)
    var file = try SafeTensors(contentsOf: path)
    change(&file)
    try file.write(to: path)
    return path
  }

  @Test func aFileOfVersion1LoadsAndPredictsAsItDid() throws {
    // Element i of the input is 7 i mod 11 / 4 - 1.
    let input = Tensor((0..<40).map { Float($0 * 7 % 11) / 4 - 1 }, shape: [4, 5, 2])
    let wanted = try Tensor(contentsOfNumPy: fixture("version1_predictions.npy")).scalars(as: Float.self)
    let file = try ModelFile(contentsOf: fixture("version1.safetensors"))
    let found = try file.model(input).scalars(as: Float.self)
    #expect(found.count == 8 && zip(found, wanted).allSatisfy { ($0 - $1).magnitude < 1e-6 }, "\(found)")
    // What training is in version 2 was a note in version 1.
    let note =
      #"{"batch_size":32,"learning_rate":0.05,"loss":"sparse_categorical_crossentropy","#
      + #""optimizer":"adam","shuffle":true,"validation_split":0.0}"#
    #expect(file.notes == ["training": note])
    #expect(try ModelFile(InputFile(fixture("version1.safetensors"))).training == nil)
    try file.model.save(to: folder("again"), notes: file.notes)
    let again = try ModelFile(contentsOf: folder("again"))
    #expect(again.notes == file.notes)
    #expect(try again.model(input).scalars(as: Float.self) == found)
  }

  @Test func notesMayHaveTheFormatsOwnNames() throws {
    let notes = [
      "format": "mine", "version": "7", "architecture": "", "notes": "n", "training": "{", "__metadata__": "m", "": "e",
    ]
    try model().save(to: folder("model"), notes: notes)
    let file = try ModelFile(InputFile(folder("model")))
    #expect(file.notes == notes)
    #expect(file.training == nil)
  }

  @Test func aNewerVersionIsCalledSo() throws {
    let path = try altered { $0.metadata["version"] = "3" }
    expectError(.badFile, "read \(path)", "version 2 or older", "version 3", "newer version") {
      _ = try Sequential.load(from: path)
    }
  }

  @Test(arguments: ["0", "-1", "x", "", "02", "+2", "1.0", "99999999999999999999"])
  func whatIsNoVersionIsRefused(_ version: String) throws {
    let path = try altered { $0.metadata["version"] = version }
    expectError(.badFile, "a format version", "\"\(version)\"") { _ = try Sequential.load(from: path) }
  }

  @Test func everyFormatButOursIsRefused() throws {
    for format in ["", "pt", "Recurra", "recurra ", "recurr", "tf"] {
      let path = try altered { $0.metadata["format"] = format }
      expectError(.badFile, "a model saved by Recurra") { _ = try Sequential.load(from: path) }
    }
    for name in ["format", "version", "architecture"] {
      let path = try altered { $0.metadata[name] = nil }
      expectError(.badFile, "a model saved by Recurra") { _ = try Sequential.load(from: path) }
    }
    expectError(.badFile, "a model saved by Recurra") { _ = try Sequential.load(from: fixture("native.safetensors")) }
  }

  @Test func trainingIsKeptBesideTheModel() throws {
    let description = JSONValue.object([(name: "step", value: .integer(4)), ("rate", .number(0.1))])
    let tensors: NamedValues<Tensor> = [
      "lstm/weights/momentum": Tensor([1, 2, 3] as [Float]), "\u{301}e": Tensor([Int32(4)]), "": [5],
    ]
    try ModelFile.write(
      model: model(), notes: ["a": "b"], training: description, trainingTensors: tensors, to: folder("model"))
    let file = try ModelFile(InputFile(folder("model")))
    #expect(file.training?.description == description)
    #expect(file.training?.tensors.names == tensors.names)
    #expect(file.training?.tensors["lstm/weights/momentum"]?.scalars(as: Float.self) == [1, 2, 3])
    #expect(file.training?.tensors["\u{301}e"]?.scalars(as: Int32.self) == [4])
    #expect(file.notes == ["a": "b"])

    // Those who read the model alone are not told, and what they save holds nothing of it.
    let alone = try ModelFile(contentsOf: folder("model"))
    #expect(alone.training == nil)
    try alone.model.save(to: folder("alone"), notes: alone.notes)
    try model().save(to: folder("reference"), notes: ["a": "b"])
    #expect(try bytes(of: folder("alone")) == bytes(of: folder("reference")))
  }

  @Test func aLayerCalledTrainingIsNoTraining() throws {
    let description = #"""
      [{"class_name": "InputLayer", "config": {"batch_shape": [null, 3]}},
       {"class_name": "Dense", "config": {"units": 2, "name": "training"}}]
      """#
    let model = try Sequential(configuration: JSONValue(parsing: Array(description.utf8)))
    let other = Tensor([7, 8, 9] as [Float])
    try ModelFile.write(
      model: model, training: .null, trainingTensors: ["kernel": other, "training/kernel": other], to: folder("model"))
    let file = try ModelFile(InputFile(folder("model")))
    #expect(file.training?.tensors.names == ["kernel", "training/kernel"])
    #expect(file.model.parameters[0].value.scalars(as: Float.self) == model.parameters[0].value.scalars(as: Float.self))
    #expect(file.training?.tensors["kernel"]?.scalars(as: Float.self) == [7, 8, 9])
  }

  @Test func damageInTheTrainingIsSeenByThoseWhoReadIt() throws {
    try ModelFile.write(model: model(), training: .array([]), trainingTensors: ["m": [1]], to: folder("model"))
    var file = try SafeTensors(contentsOf: folder("model"))
    file.metadata["training"] = "["
    try file.write(to: folder("damaged"))
    #expect(throws: Never.self) { try Sequential.load(from: folder("damaged")) }
    expectError(.badFile, "training", "offset 1") { _ = try ModelFile(InputFile(folder("damaged"))) }
    file.metadata["training"] = nil
    try file.write(to: folder("damaged"))
    expectError(.badFile, "/training/m") { _ = try Sequential.load(from: folder("damaged")) }
    expectError(.badArgument, "description") {
      try ModelFile.write(model: model(), trainingTensors: ["m": [1]], to: folder("other"))
    }
  }

  @Test func damagedNotesAreRefused() throws {
    for notes in ["", "[]", "{", #"{"a": 1}"#, #"{"a": "b", "a": "c"}"#, "{\"\u{E9}\": \"1\", \"e\u{301}\": \"2\"}"] {
      let path = try altered { $0.metadata["notes"] = notes }
      expectError(.badFile, "read \(path)", "notes") { _ = try Sequential.load(from: path) }
    }
  }

  @Test func bytesDependOnTheModelAndNothingElse() throws {
    let model = try model()
    try model.save(to: folder("a"), notes: ["x": "y"])
    let first = try bytes(of: folder("a"))
    try FileManager.default.createDirectory(atPath: folder("deeper"), withIntermediateDirectories: false)
    Thread.sleep(forTimeInterval: 1.1)
    let former = Threads.count
    defer { Threads.count = former }
    for threads in [1, 3] {
      Threads.count = threads
      try self.model().save(to: folder("deeper/b"), notes: ["x": "y"])
      #expect(try bytes(of: folder("deeper/b")) == first)
    }
  }

  @Test func twoParametersOfOneNameAreNotSavedAsOne() throws {
    let model = Sequential([Twins()])
    try model.build(inputShape: [nil, 2])
    expectError(.badArgument, "\"twins/weight\" twice") { try model.save(to: folder("model")) }
    #expect(try folder.names.isEmpty)
  }
}

/// A layer with two parameters of one name.
private final class Twins: Layer {
  static var typeName: String { "Twins" }
  let parameters = [Parameter("weight", [1]), Parameter("weight", [2])]
  var isBuilt: Bool { true }
  var configuration: [String: JSONValue] { [:] }
  init() {}
  init(configuration: LayerArguments) throws(RecurraError) {}
  func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] { inputShape }
  func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal { input }
}
