import Foundation
import RecurraLayers
import RecurraTensor
import RecurraTraining
import Testing

/// `--mask` in every command that takes data: Keras' mask, against the same by the library, and what is no mask.
@Suite struct MaskTests {
  let tool: Tool
  static let (rows, timesteps, inputs) = (12, 6, 3)
  static let architecture = """
    [{"class_name": "LSTM", "config": {"units": 5, "return_sequences": true}},
     {"class_name": "Dense", "config": {"units": 2, "activation": "softmax"}}]
    """
  static let training = ["train", "model.json", "--data", "x.npy", "--labels", "y.npy", "--save", "out.safetensors"]

  init() throws {
    tool = try Tool()
    try tool.write(Self.architecture, to: "model.json")
    let count = Self.rows * Self.timesteps
    let numbers = (0..<count * Self.inputs).map { Float(($0 * 37) % 101) / 50 - 1 }
    try Tensor(numbers, shape: [Self.rows, Self.timesteps, Self.inputs]).writeNumPy(to: tool.path("x.npy"))
    try Tensor((0..<count).map { Int32($0 * $0 % 2) }, shape: [Self.rows, Self.timesteps])
      .writeNumPy(to: tool.path("y.npy"))
    let steps = (0..<count).map { Int32(($0 * 5 + $0 / Self.timesteps) % 4 == 0 ? 0 : 1) }
    try Tensor(steps, shape: [Self.rows, Self.timesteps]).writeNumPy(to: tool.path("mask.npy"))
    try Tensor((0..<Self.rows).map { Int32($0 % Self.timesteps + 1) }).writeNumPy(to: tool.path("lengths.npy"))
  }

  private func tensor(_ name: String) throws -> Tensor { try Tensor(contentsOfNumPy: tool.path(name)) }
  private func mask() throws -> SequenceMask { try SequenceMask(steps: tensor("mask.npy")) }
  private func lengths() throws -> [Int] { try tensor("lengths.npy").scalars(as: Int32.self).map { Int($0) } }

  private func trainer() throws -> Trainer {
    let model = try Sequential(configuration: JSONValue(parsing: Array(Self.architecture.utf8)), seed: 0)
    return try model.compile(loss: .sparseCategoricalCrossEntropy, optimizer: .adam(), metrics: [.accuracy])
  }

  @Test(arguments: [false, true]) func everyCommandTakesOne(_ hasLengths: Bool) throws {
    let options = ["--mask", "mask.npy"] + (hasLengths ? ["--lengths", "lengths.npy"] : [])
    let lengths = hasLengths ? try lengths() : nil
    try tool.expectSuccess(
      Self.training + options + [
        "--validation-data", "x.npy", "--validation-labels", "y.npy", "--validation-mask", "mask.npy", "--history",
        "h.json", "--epochs", "2",
      ])
    let (x, y, trainer) = (try tensor("x.npy"), try tensor("y.npy"), try trainer())
    let history = try trainer.fit(
      x, y, lengths: lengths, mask: mask(), epochs: 2, validationData: Examples(x, y, mask: mask()),
      verbose: .silent)
    let saved = try Trainer(contentsOf: tool.path("out.safetensors"))
    for (found, wanted) in zip(saved.weights, trainer.weights) {
      #expect(found.scalars(as: Float.self) == wanted.scalars(as: Float.self))
    }
    guard case .array(let losses)? = try JSONValue(contentsOf: tool.path("h.json"))["history"]?["val_loss"] else {
      Issue.record("expected val_loss, got \(tool.text("h.json"))")
      return
    }
    #expect(losses.map(\.text) == history["val_loss"]?.map { JSONValue.number($0).text })
    let plain = try saved.evaluate(x, y, verbose: .silent)
    let logs = try saved.evaluate(x, y, lengths: lengths, mask: mask(), verbose: .silent)
    let printed = try tool.expectSuccess(
      ["evaluate", "out.safetensors", "--data", "x.npy", "--labels", "y.npy"] + options)
    let loss = try JSONValue(parsing: Array(printed.output.utf8))["loss"]
    #expect(loss?.text == JSONValue.number(try #require(logs["loss"])).text && logs["loss"] != plain["loss"])
    try tool.expectSuccess(["predict", "out.safetensors", "--input", "x.npy", "--output", "p.npy"] + options)
    let predicted = try tensor("p.npy")
    let wanted = try saved.predict(x, lengths: lengths, mask: mask())
    #expect(predicted.scalars(as: Float.self) == wanted.scalars(as: Float.self))
    #expect(wanted.scalars(as: Float.self) != (try saved.predict(x)).scalars(as: Float.self))
  }

  /// Keras repeats the last output at what is masked behind; with lengths there is 0.
  @Test func theTwoContractsOfPaddingBehind() throws {
    try tool.expectSuccess(Self.training)
    let steps = try lengths().flatMap { length in (0..<Self.timesteps).map { Int32($0 < length ? 1 : 0) } }
    try Tensor(steps, shape: [Self.rows, Self.timesteps]).writeNumPy(to: tool.path("right.npy"))
    let predict = ["predict", "out.safetensors", "--input", "x.npy", "--output"]
    try tool.expectSuccess(predict + ["keras.npy", "--mask", "right.npy"])
    try tool.expectSuccess(predict + ["alone.npy", "--lengths", "lengths.npy"])
    let (keras, alone) = (try tensor("keras.npy"), try tensor("alone.npy"))
    for (row, length) in try lengths().enumerated() {
      let (repeated, cut) = (keras[row].scalars(as: Float.self), alone[row].scalars(as: Float.self))
      #expect(repeated[0..<2 * length] == cut[0..<2 * length])
      for timestep in length..<Self.timesteps {
        #expect(cut[2 * timestep..<2 * timestep + 2].allSatisfy { $0 == 0 })
        #expect(repeated[2 * timestep] == repeated[2 * length - 2])
      }
    }
  }

  @Test(arguments: ["shape", "rank", "numbers", "NaN", "text", "rows", "missing"]) func whatIsNoMaskIsRefused(
    _ kind: String
  ) throws {
    try tool.expectSuccess(Self.training)
    let path = tool.path("bad.npy")
    let words: [String]
    switch kind {
    case "shape":
      try Tensor.ones([Self.rows, Self.timesteps - 1]).writeNumPy(to: path)
      words = ["mask from bad.npy", "expected a mask [12, 6]", "got [12, 5]"]
    case "rows":
      try Tensor.zeros([Self.rows - 1, Self.timesteps], dtype: .int32).writeNumPy(to: path)
      words = ["mask from bad.npy", "expected a mask [12, 6]", "got [11, 6]"]
    case "rank":
      try Tensor.ones([Self.rows]).writeNumPy(to: path)
      words = ["bad.npy", "expected numbers [B, T]", "got shape [12]"]
    case "numbers":
      try Tensor.full([Self.rows, Self.timesteps], 2, dtype: .int32).writeNumPy(to: path)
      words = ["bad.npy", "expected 0 or 1", "got 2"]
    case "NaN":
      try Tensor.full([Self.rows, Self.timesteps], .nan).writeNumPy(to: path)
      words = ["bad.npy", "expected 0 or 1", "got nan"]
    case "text":
      try tool.write("hello, world", to: "bad.npy")
      words = ["bad.npy", "expected"]
    default: words = ["bad.npy"]
    }
    let code: Int32 = kind == "missing" ? 66 : 65
    let data = ["--data", "x.npy", "--labels", "y.npy"]
    let held = ["--validation-data", "x.npy", "--validation-labels", "y.npy", "--validation-mask", "bad.npy"]
    for arguments in [
      Self.training + ["--mask", "bad.npy"], Self.training + held,
      ["evaluate", "out.safetensors", "--mask", "bad.npy"] + data,
      ["predict", "out.safetensors", "--input", "x.npy", "--output", "p.npy", "--mask", "bad.npy"],
    ] {
      let saved = try tool.bytes("out.safetensors")
      try tool.expectFailure(code, of: arguments)
      for word in words { #expect(tool.text(".error").contains(word), "\(arguments): \(tool.text(".error"))") }
      #expect(try tool.bytes("out.safetensors") == saved)
    }
  }

  @Test func masksAndLengthsMustFitEachOther() throws {
    try tool.expectSuccess(Self.training)
    try Tensor.full([Self.rows], 7, dtype: .int32).writeNumPy(to: tool.path("long.npy"))
    try tool.expectFailure(
      65, "lengths from long.npy", "mask from mask.npy", "0...6",
      of: [
        "predict", "out.safetensors", "--input", "x.npy", "--output", "p.npy", "--mask", "mask.npy", "--lengths",
        "long.npy",
      ])
  }

  @Test func anInputsMaskGoesByItsName() throws {
    try tool.write(
      """
      {"class_name": "Functional", "config": {"name": "two", "layers": [
        {"class_name": "InputLayer", "name": "a", "config": {"batch_shape": [null, 6, 3]}, "inbound_nodes": []},
        {"class_name": "InputLayer", "name": "b", "config": {"batch_shape": [null, 6, 3]}, "inbound_nodes": []},
        {"class_name": "GRU", "name": "first", "config": {"units": 2}, "inbound_nodes": [[["a", 0, 0]]]},
        {"class_name": "GRU", "name": "second", "config": {"units": 2}, "inbound_nodes": [[["b", 0, 0]]]},
        {"class_name": "Concatenate", "name": "both", "config": {},
         "inbound_nodes": [[["first", 0, 0], ["second", 0, 0]]]}],
       "input_layers": [["a", 0, 0], ["b", 0, 0]], "output_layers": [["both", 0, 0]]}}
      """, to: "two.json")
    let model = try Model(configuration: JSONValue(contentsOf: tool.path("two.json")), seed: 1)
    try model.build(inputShapes: [[nil, 6, 3], [nil, 6, 3]], dtype: .float32)
    try model.save(to: tool.path("two.safetensors"))
    let x = try tensor("x.npy")
    let inputs = ["predict", "two.safetensors", "--input", "a=x.npy", "--input", "b=x.npy", "--output", "p.npy"]
    for (name, masks) in [("a", [try mask(), .all]), ("b", [.all, try mask()])] {
      try tool.expectSuccess(inputs + ["--mask", "\(name)=mask.npy"])
      let wanted = try model.predict([x, x], masks: masks)[0]
      #expect(try tensor("p.npy").scalars(as: Float.self) == wanted.scalars(as: Float.self))
    }
    try tool.expectFailure(64, "--mask", "NAME=VALUE", of: inputs + ["--mask", "mask.npy"])
    try tool.expectFailure(64, "--mask", "2 inputs: a, b", of: inputs + ["--mask", "c=mask.npy"])
  }

  @Test func aMaskIsNeverWrittenOver() throws {
    for arguments in [
      Array(Self.training.dropLast(2)) + ["--mask", "mask.npy", "--save", "mask.npy"],
      Self.training + [
        "--validation-data", "a.npy", "--validation-labels", "b.npy", "--validation-mask", "mask.npy", "--history",
        "mask.npy",
      ],
    ] {
      let mask = try tool.bytes("mask.npy")
      try tool.expectFailure(64, "mask.npy", of: arguments)
      #expect(try tool.bytes("mask.npy") == mask)
    }
    try tool.expectFailure(64, "--validation-mask", of: Self.training + ["--validation-mask", "mask.npy"])
  }
}
