import Glibc
import Recurra

/// Times `recur predict` as a user meets it: from the start of the process to the answer on disk, and the most memory
/// it held.
struct Startup {
  let repetitions: Int

  func run(json: Bool) throws {
    Report.timing("recur predict, from process start to the answer")
    let folder = "/tmp/recur-bench-\(getpid())"
    guard unsafe mkdir(folder, 0o700) == 0 else {
      throw RecurraError(
        .cannotCreate, operation: "start-up", expected: "to make the folder \(folder)", got: "a refusal")
    }
    defer { for name in ["model.safetensors", "x.npy", "y.npy", ""] { _ = unsafe remove("\(folder)/\(name)") } }
    let model = Sequential {
      Embedding(inputDim: 5_000, outputDim: 60)
      Bidirectional(LSTM(units: 100))
      Dense(units: 10, activation: .relu)
      Dense(units: 6, activation: .softmax)
    }
    try model.build(inputShape: [nil, nil])
    try model.save(to: "\(folder)/model.safetensors")
    try Tensor.zeros([1, 50], dtype: .int32).writeNumPy(to: "\(folder)/x.npy")
    let arguments = [
      "predict", "\(folder)/model.safetensors", "--input", "\(folder)/x.npy", "--output", "\(folder)/y.npy",
    ]
    // The first run reads the program from disk; it does not count.
    let runs = try (0...repetitions).map { _ in try ChildProcess("recur", arguments) }.dropFirst()
    let seconds = runs.map(\.seconds).sorted()
    let (median, peak) = (seconds[seconds.count / 2], runs.map(\.peakBytes).max() ?? 0)
    if json {
      let members: [(name: String, value: JSONLine.Value)] = [
        ("start_up_seconds", .number(median)), ("min_seconds", .number(seconds[0])), ("peak_bytes", .count(peak)),
      ]
      Report.line(JSONLine(members).text)
    } else {
      Report.line(
        "recur predict (BiLSTM of the lesson's program, one sequence of 50): \(Table.fixed(median * 1e3, 1)) ms from "
          + "process start to the answer, at most \(Table.fixed(Double(peak) / 1_048_576, 1)) MiB of memory")
    }
  }
}

/// A finished run of one of this package's tools.
struct ChildProcess {
  let seconds: Double
  /// The most memory the process held, as the system counts it.
  let peakBytes: Int

  /// Runs the tool that lies beside this program and waits for it.
  init(_ tool: String, _ arguments: [String]) throws {
    var own = [CChar](repeating: 0, count: 4_096)
    let length = unsafe readlink("/proc/self/exe", &own, own.count - 1)
    let bytes = own.prefix(max(length, 0)).map { UInt8(bitPattern: $0) }
    let folder = String(decoding: bytes.prefix((bytes.lastIndex(of: UInt8(ascii: "/")) ?? 0) + 1), as: UTF8.self)
    let path = folder + tool
    var words = unsafe ([path] + arguments).map { unsafe strdup($0) } + [nil]
    defer { unsafe words.forEach { unsafe free($0) } }
    var process: pid_t = 0
    var status: Int32 = 0
    var usage = rusage()
    let start = ContinuousClock.now
    guard unsafe posix_spawn(&process, path, nil, nil, &words, environ) == 0 else {
      throw RecurraError(.noInput, operation: "start-up", expected: "the tool \(path)", got: "nothing that runs")
    }
    guard unsafe wait4(process, &status, 0, &usage) == process, status == 0 else {
      throw RecurraError(.badArgument, operation: "start-up", expected: "\(tool) to succeed", got: "status \(status)")
    }
    let elapsed = (ContinuousClock.now - start).components
    seconds = Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18
    peakBytes = usage.ru_maxrss * 1_024
  }
}
