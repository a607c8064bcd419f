import Foundation
import RecurraLayers
import RecurraTensor
import Testing

/// What is written never replaces what is read, nor itself.
@Suite struct FileRoleTests {
  let tool: Tool

  init() throws {
    tool = try Tool()
    try Lesson.write(to: tool)
  }

  /// Runs a command that names a file twice, and expects that nothing at all has changed.
  private func expectRefusal(_ words: String..., of arguments: [String]) throws {
    let before = try contents()
    try tool.expectFailure(64, of: arguments)
    let error = tool.text(".error")
    for word in words { #expect(error.contains(word), "\(arguments): \(error)") }
    #expect(try contents() == before, "\(arguments)")
  }

  private func contents() throws -> [String: Data] {
    let names = try FileManager.default.contentsOfDirectory(atPath: tool.folder).filter { !$0.hasPrefix(".") }
    return Dictionary(uniqueKeysWithValues: names.map { ($0, (try? tool.bytes($0)) ?? Data()) })
  }

  @Test(arguments: [
    "x.npy", "./x.npy", "sub/../x.npy", "symbolic.npy", "hard.npy", "sub/symbolic.npy", "through/x.npy",
  ])
  func outputsNeverReplaceInputs(_ name: String) throws {
    try FileManager.default.createDirectory(atPath: tool.path("sub"), withIntermediateDirectories: false)
    let setup = try tool.shell(
      "ln -s x.npy symbolic.npy && ln x.npy hard.npy && ln -s ../symbolic.npy sub/symbolic.npy && ln -s . through")
    #expect(setup.code == 0)
    let training = Array(Lesson.training.dropLast(2))
    try expectRefusal("--save \(name)", "--data", of: training + ["--save", name])
    try expectRefusal("--history \(name)", "--data", of: training + ["--save", "o", "--history", name])
    try expectRefusal("--save", "--data", of: training + ["--save", tool.path(name)])
    try savedModel()
    try expectRefusal("--output \(name)", "--input", of: ["predict", "m", "--input", "x.npy", "--output", name])
  }

  private func savedModel() throws {
    let model = Sequential { Dense(units: 3) }
    try model.build(inputShape: [nil, Lesson.timesteps])
    try model.save(to: tool.path("m"))
  }

  @Test func everyInputIsSafe() throws {
    try savedModel()
    let training = Array(Lesson.training.dropLast(2)) + ["--lengths", "lengths.npy"]
    try Tensor.zeros([4, 7], dtype: .int32).writeNumPy(to: tool.path("a.npy"))
    try Tensor.zeros([4], dtype: .int32).writeNumPy(to: tool.path("b.npy"))
    try Tensor.ones([4], dtype: .int32).writeNumPy(to: tool.path("c.npy"))
    let validation = [
      "--validation-data", "a.npy", "--validation-labels", "b.npy", "--validation-lengths", "c.npy",
    ]
    for name in ["y.npy", "lengths.npy", "a.npy", "b.npy", "c.npy", "model.json"] {
      try expectRefusal("--save \(name)", of: training + validation + ["--save", name])
      try expectRefusal("--history \(name)", of: training + validation + ["--save", "o", "--history", name])
    }
    for name in ["m", "x.npy", "lengths.npy"] {
      try expectRefusal(
        "--output \(name)",
        of: ["predict", "m", "--input", "x.npy", "--lengths", "lengths.npy", "--output", name])
    }
    try tool.write(#"{"loss": [1, 2]}"#, to: "h.json")
    try tool.write(#"{"loss": [1, 2]}"#, to: "i.json")
    try expectRefusal("--output h.json", of: ["plot", "h.json", "-o", "h.json"])
    try expectRefusal("--output h.json", of: ["plot", "i.json", "h.json", "-o", "h.json"])
  }

  @Test(arguments: ["o", "./o", "to_o", "missing/../o"]) func outputsNeverReplaceEachOther(_ name: String) throws {
    #expect(try tool.shell("ln -s o to_o").code == 0)
    // The second time the file exists.
    for _ in 0..<2 {
      if name.hasPrefix("missing") {
        try tool.expectFailure(73, of: Lesson.training.dropLast() + ["o", "--history", name])
      } else {
        try expectRefusal("--history \(name)", "--save", of: Lesson.training.dropLast() + ["o", "--history", name])
      }
      try tool.write("old", to: "o")
    }
    #expect(tool.text("o") == "old")
  }

  @Test func savedModelMayBeContinuedInPlace() throws {
    try tool.expectSuccess(Lesson.training)
    let first = try tool.bytes("out.safetensors")
    try tool.expectSuccess(["train", "out.safetensors"] + Lesson.training.dropFirst(2))
    #expect(try tool.bytes("out.safetensors") != first)
    try tool.expectSuccess(["train", "./out.safetensors"] + Lesson.training.dropFirst(2))
    try expectRefusal(
      "--history", "MODEL",
      of: ["train", "out.safetensors"] + Lesson.training.dropFirst(2).dropLast() + [
        "other", "--history", "out.safetensors",
      ])
  }

  @Test(arguments: ["b", "b/state-0.safetensors", "b/../b/state-1.safetensors"])
  func backupHasFilesOfItsOwn(_ name: String) throws {
    try FileManager.default.createDirectory(atPath: tool.path("b"), withIntermediateDirectories: false)
    try expectRefusal("--backup", "--save", of: Lesson.training.dropLast() + [name, "--backup", "b"])
    try FileManager.default.removeItem(atPath: tool.path("b"))
    if name == "b" {
      try expectRefusal("--backup", "--save", of: Lesson.training.dropLast() + [name, "--backup", "b"])
      try expectRefusal("--backup", "--data", of: Lesson.training + ["--backup", "./x.npy"])
    }
  }

  @Test func descriptionIsNotReplacedByItsModel() throws {
    try expectRefusal("--save ./model.json", "MODEL", of: Lesson.training.dropLast() + ["./model.json"])
  }

  @Test func differentFilesOfOneNameAreFine() throws {
    try FileManager.default.createDirectory(atPath: tool.path("sub"), withIntermediateDirectories: false)
    try tool.expectSuccess(Lesson.training.dropLast() + ["sub/x.npy", "--history", "sub/y.npy"])
    // Two names that Unicode calls equal and the file system does not.
    try tool.expectSuccess(Lesson.training.dropLast() + ["e\u{301}", "--history", "\u{e9}"])
    // Nothing is replaced in a device.
    try tool.expectSuccess(Lesson.training.dropLast() + ["/dev/null", "--history", "/dev/null"])
  }

  @Test func oneStreamIsNotReadOrWrittenTwice() throws {
    try expectRefusal(
      "--labels -", "--data", of: ["train", "model.json", "--data", "-", "--labels", "-", "--save", "o"])
    try expectRefusal("--data -", "MODEL", of: ["train", "-", "--data", "-", "--labels", "y.npy", "--save", "o"])
    try expectRefusal("--history -", "--save", of: Lesson.training.dropLast() + ["-", "--history", "-"])
    let result = try tool.shell("cat x.npy | recur train model.json --data - --labels /dev/stdin --save o")
    #expect(result.code == 64 && result.error.contains("--labels /dev/stdin"), "\(result.error)")
  }
}
