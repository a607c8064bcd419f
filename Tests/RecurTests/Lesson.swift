import Foundation
import RecurraLayers
import RecurraTensor
import RecurraTraining

/// Sequences of ids of which the first says the class: what is far back must be remembered.
enum Lesson {
  static let rows = 96
  static let timesteps = 7
  static let vocabulary = 9

  static let architecture = """
    [{"class_name": "Embedding", "config": {"input_dim": \(vocabulary), "output_dim": 6}},
     {"class_name": "LSTM", "config": {"units": 5}},
     {"class_name": "Dense", "config": {"units": 3, "activation": "softmax"}}]
    """

  static func id(_ row: Int, _ timestep: Int) -> Int32 { Int32((row * 31 + timestep * (row % 5 + 2)) % vocabulary) }

  static func write(to tool: Tool) throws {
    try tool.write(architecture, to: "model.json")
    let ids = (0..<rows).flatMap { row in (0..<timesteps).map { id(row, $0) } }
    try Tensor(ids, shape: [rows, timesteps]).writeNumPy(to: tool.path("x.npy"))
    try Tensor((0..<rows).map { id($0, 0) / 3 }).writeNumPy(to: tool.path("y.npy"))
    try Tensor((0..<rows).map { Int32($0 % timesteps + 1) }).writeNumPy(to: tool.path("lengths.npy"))
  }

  static let training = ["train", "model.json", "--data", "x.npy", "--labels", "y.npy", "--save", "out.safetensors"]
}

/// Numbers for which a line is the answer: what regression and yes-or-no losses are trained on.
enum Line {
  static let rows = 40

  static let architecture = #"[{"class_name": "Dense", "config": {"units": 2, "activation": "sigmoid"}}]"#

  static func write(to tool: Tool) throws {
    try tool.write(architecture, to: "line.json")
    let numbers = (0..<rows * 3).map { Float(($0 * 37) % 101) / 50 - 1 }
    try Tensor(numbers, shape: [rows, 3]).writeNumPy(to: tool.path("u.npy"))
    let targets = (0..<rows).flatMap { row -> [Float] in
      numbers[3 * row] + numbers[3 * row + 1] > 0 ? [1, 0] : [0, 1]
    }
    try Tensor(targets, shape: [rows, 2]).writeNumPy(to: tool.path("v.npy"))
  }

  static let training = ["train", "line.json", "--data", "u.npy", "--labels", "v.npy", "--save", "out.safetensors"]
}

/// The same run by the library, for the tool's bytes to be held against.
struct LibraryRun {
  var architecture = Lesson.architecture
  var data = ["x.npy", "y.npy"]
  var seed: UInt64 = 0
  var loss = Loss.sparseCategoricalCrossEntropy
  var optimizer = Optimizer.adam()

  /// Trains as `fit` says, and returns the file of the model with the notes that the tool's file has.
  func bytes(
    _ tool: Tool, _ fit: (_ trainer: Trainer, _ x: Tensor, _ y: Tensor) throws -> Void
  ) throws -> Data {
    let json = try JSONValue(parsing: Array(architecture.utf8))
    let model = try Sequential(configuration: json, seed: seed)
    let metric: Metric = loss.name.hasSuffix("crossentropy") ? .accuracy : .meanAbsoluteError
    let trainer = try model.compile(loss: loss, optimizer: optimizer, metrics: [metric])
    trainer.output = ProgressOutput(isTerminal: false, usesColor: false) { _ in }
    try fit(trainer, Tensor(contentsOfNumPy: tool.path(data[0])), Tensor(contentsOfNumPy: tool.path(data[1])))
    let notes = try ModelFile(InputFile(tool.path("out.safetensors"))).notes
    try trainer.save(to: tool.path("own.safetensors"), notes: notes)
    return try tool.bytes("own.safetensors")
  }
}
