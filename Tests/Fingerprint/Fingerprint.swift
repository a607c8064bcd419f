internal import Foundation
internal import Recurra
internal import RecurraTensor
internal import RecurraTraining

/// Writes what models of recurrent layers compute, a file for each case, so that two builds can be compared bit by bit:
/// outputs, states, loss and gradients.
///
/// `fingerprint DIRECTORY` makes `packed`, whose bits are the same on every processor with fused multiply-add, and
/// `openblas`, whose bits are those of OpenBLAS on this one. It fails where the number of threads shows.
@main
enum Fingerprint {
  static func main() throws {
    guard CommandLine.arguments.count == 2 else {
      print("Usage: fingerprint DIRECTORY")
      exit(64)
    }
    try EnvironmentSettings.check()
    var failures = 0
    for folder in ["packed", "openblas"] {
      try FileManager.default.createDirectory(atPath: path(folder), withIntermediateDirectories: true)
    }
    for subject in FingerprintCase.all {
      (Threads.count, Threads.ignoresCosts) = (1, false)
      let wanted = try content(of: subject)
      for (threads, insists) in [(2, false), (2, true), (3, true), (4, true)] {
        (Threads.count, Threads.ignoresCosts) = (threads, insists)
        if try content(of: subject) != wanted {
          print("\(subject.name): other bits on \(threads) threads\(insists ? " that all work together" : "")")
          failures += 1
        }
      }
      let folder = subject.needsOpenBLAS ? "openblas" : "packed"
      try wanted.write(to: URL(fileURLWithPath: path("\(folder)/\(subject.name)")))
    }
    if failures > 0 { exit(1) }
  }

  private static func path(_ name: String) -> String { CommandLine.arguments[1] + "/" + name }

  /// The results of a case, each with its name and shape before it.
  private static func content(of subject: FingerprintCase) throws -> Data {
    let model = try subject.model()
    let (x, lengths) = (subject.input, subject.lengths)
    var content = Data()
    func add(_ name: String, _ tensor: Tensor) {
      content.append(Data("\(name) \(tensor.dtype) \(tensor.shape)\n".utf8))
      if tensor.dtype == .float64 {
        tensor.scalars(as: Double.self).withUnsafeBytes { content.append(contentsOf: $0) }
      } else {
        tensor.scalars(as: Float.self).withUnsafeBytes { content.append(contentsOf: $0) }
      }
    }
    let output = try model.forward(Signal(x, lengths: lengths), ForwardContext())
    add("output", output.value)
    for (index, state) in output.states.enumerated() { add("state \(index)", state) }
    let targets = subject.numbers("y").tensor(output.value.shape, scale: 1).converted(to: subject.dtype)
    let trainer = try model.compile(loss: .meanSquaredError, optimizer: .sgd())
    let sums = try trainer.gradients(x, targets, lengths: lengths)
    add("loss", Tensor([sums.loss.sum, sums.loss.weight]))
    for (index, gradient) in sums.gradients[0].enumerated() { add("gradient \(index)", gradient.dense) }
    return content
  }
}
