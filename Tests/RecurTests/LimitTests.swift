import Foundation
import RecurraLayers
import RecurraTensor
import Testing

/// The tool where the system gives little: it works, or says in words what it lacks, and never hangs.
@Suite struct LimitTests {
  private let tool: Tool

  init() throws {
    tool = try Tool()
    let model = Sequential([LSTM(units: 16), Dense(units: 3)])
    try model.build(inputShape: [nil, nil, 5])
    try model.save(to: tool.path("model.safetensors"))
    try Tensor((0..<210).map { Float($0 % 13) / 13 }, shape: [6, 7, 5]).writeNumPy(to: tool.path("x.npy"))
  }

  private static let predict = "predict model.safetensors --input x.npy --output y.npy"

  @Test(
    "With less and less address space, and OpenBLAS' threads or none, the tool ends with an answer or with words",
    arguments: ["", "OPENBLAS_NUM_THREADS=1"])
  func addressSpace(setting: String) throws {
    var codes: Set<Int32> = []
    // Below 150 MB the system's loader finds no room for Foundation, which swift-protobuf brings.
    for megabytes in [160, 200, 300, 600] {
      let result = try tool.shell("\(setting) prlimit --as=\(megabytes)000000 recur \(Self.predict)")
      codes.insert(result.code)
      guard result.code != 0 else { continue }
      #expect(result.code == 1, "\(megabytes) MB: \(result.error)")
      #expect(result.error.contains("OpenBLAS: expected 128 MiB of address space"), "\(result.error)")
      #expect(result.error.contains("OPENBLAS_NUM_THREADS=1") == setting.isEmpty, "the remedy, where it is one")
    }
    #expect(codes == [0, 1], "some are too few, and some enough")
    // OpenBLAS waits for its threads at the end of a process, too.
    #expect(try tool.shell("\(setting) prlimit --as=160000000 recur --version").code == 0)
    #expect(try tool.shell("\(setting) prlimit --as=160000000 recur summary nowhere").code == 66)
  }

  @Test(
    "A model or a file that no memory is there for is an error in words, before anything is drawn",
    arguments: [
      #"[{"class_name":"Dense","config":{"units":2147483647}}]"#, #"[{"class_name":"LSTM","config":{"units":100000}}]"#,
      #"[{"class_name":"GRU","config":{"units":30000}}]"#,
      #"[{"class_name":"Bidirectional","config":{"layer":{"class_name":"LSTM","config":{"units":12000}}}}]"#,
      #"[{"class_name":"LSTM","config":{"units":18000}}]"#,
    ])
  func memory(model: String) throws {
    try Data(model.utf8).write(to: URL(fileURLWithPath: tool.path("large.json")))
    try Tensor.zeros([6, 7]).writeNumPy(to: tool.path("labels.npy"))
    for threads in [1, 2] {
      let command = "recur train large.json --data x.npy --labels labels.npy --loss mse --save s.safetensors"
      let result = try tool.shell("prlimit --as=6000000000 \(command) --threads \(threads)")
      #expect(result.code == 1, "\(result.error)")
      #expect(result.error.contains(" bytes for "), "\(result.error)")
    }
  }

  @Test("So is a file of holes that is larger than the memory")
  func sparseFile() throws {
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2000000000, 1, 5), }\n"
    let bytes = Array("\u{93}NUMPY".unicodeScalars.map { UInt8($0.value) }) + [1, 0, UInt8(header.utf8.count), 0]
    try Data(bytes + header.utf8).write(to: URL(fileURLWithPath: tool.path("holes.npy")))
    truncate(tool.path("holes.npy"), bytes.count + header.utf8.count + 40_000_000_000)
    let command = "recur predict model.safetensors --input holes.npy --output y.npy"
    let result = try tool.shell("prlimit --as=6000000000 \(command)")
    #expect(result.code == 1)
    #expect(result.error.contains("holes.npy: expected"), "\(result.error)")
    #expect(result.error.contains("40000000000 bytes for "), "\(result.error)")
  }

  @Test("Where no thread can be started, the tool computes alone", .enabled(if: Tool.canRunWithoutThreads))
  func threads() throws {
    let expected = try tool.shell("recur \(Self.predict)")
    #expect(expected.code == 0)
    let answers = try tool.bytes("y.npy")
    try FileManager.default.removeItem(atPath: tool.path("y.npy"))
    // Whoever has no rights here writes there.
    chmod(tool.folder, 0o777)
    for setting in ["", "OPENBLAS_NUM_THREADS=1"] {
      let result = try tool.shell("\(setting) \(Tool.withoutThreads) recur \(Self.predict)")
      #expect(result.code == 0, "\(result.error)")
      #expect(try tool.bytes("y.npy") == answers)
    }
  }
}

extension Tool {
  /// A command before which no thread can be started; a limit on processes does not bind root.
  static let withoutThreads =
    getuid() == 0 ? "setpriv --reuid=65534 --clear-groups --inh-caps=-all prlimit --nproc=0" : "prlimit --nproc=0"

  /// Tells whether there is such a command, and the tool can be reached from behind it.
  static var canRunWithoutThreads: Bool {
    guard let tool = try? Tool() else { return false }
    return (try? tool.shell("\(withoutThreads) recur --version").code) == 0
  }
}
