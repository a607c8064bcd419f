import Foundation
import RecurraFormats
import RecurraLayers
import RecurraTensor

/// A case of the tests that come with ONNX: a model of one node, inputs, and what comes out.
struct NodeCase {
  /// Where Debian's package libonnx-testdata puts them.
  static let folder = "/usr/share/libonnx-testdata/data/node"

  enum Outcome: Equatable {
    case passed
    /// The model was refused, with this error.
    case refused(String)
    case wrong(String)
  }

  let name: String

  /// Tells whether the case draws numbers, or holds its bfloat16 as another type: there is nothing to compare with.
  var isRandom: Bool {
    ["bernoulli", "training_dropout", "BFLOAT16"].contains { name.contains($0) }
  }

  /// The windows were made with a rounder π.
  private var tolerance: Double { name.contains("window") ? 1e-4 : 1e-5 }

  /// All cases; empty where they are not installed.
  static var all: [NodeCase] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.sorted().map { NodeCase(name: $0) }
  }

  private func bytes(_ file: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: "\(Self.folder)/\(name)/\(file)")))
  }

  private func tensors(_ kind: String) throws -> [StoredTensor] {
    var result: [StoredTensor] = []
    while let bytes = try? bytes("test_data_set_0/\(kind)_\(result.count).pb") {
      result.append(try StoredTensor(tensorMessage: bytes, operation: "read \(kind)_\(result.count)"))
    }
    return result
  }

  /// Runs the case.
  func run() -> Outcome {
    do {
      let description = try ModelFormats.read("\(Self.folder)/\(name)/model.onnx")
      guard let graph = description.arrayGraph else { return .wrong("no graph") }
      var inputs = NamedValues<StoredTensor>()
      for (name, tensor) in zip(graph.inputNames, try tensors("input")) { inputs[name] = tensor }
      let (found, wanted) = (try graph.run(inputs), try tensors("output"))
      for (index, pair) in zip(found, wanted).enumerated() {
        if let fault = Self.difference(pair.0, pair.1, tolerance: tolerance) {
          return .wrong("output \(index): \(fault)")
        }
      }
      return .passed
    } catch let error as RecurraError {
      return .refused(error.description)
    } catch {
      return .wrong("\(error)")
    }
  }

  /// Says where two arrays differ; nil where they do not by more than rounding.
  static func difference(_ found: StoredTensor, _ wanted: StoredTensor, tolerance: Double = 1e-5) -> String? {
    guard found.shape == wanted.shape, found.elementType == wanted.elementType else {
      return "\(found.elementType) \(found.shape) for \(wanted.elementType) \(wanted.shape)"
    }
    guard found.elementType.contains("float") else {
      return found.bytes == wanted.bytes ? nil : "\(found.bytes.prefix(64)) for \(wanted.bytes.prefix(64))"
    }
    guard let a = try? found.tensor(named: "", in: "").converted(to: .float64).scalars(as: Double.self),
      let b = try? wanted.tensor(named: "", in: "").converted(to: .float64).scalars(as: Double.self)
    else { return "unreadable" }
    let isNarrow = found.elementType.hasSuffix("float16")
    let share = isNarrow ? 0.01 : tolerance
    for (index, pair) in zip(a, b).enumerated() {
      if pair.0 == pair.1 || (pair.0.isNaN && pair.1.isNaN) { continue }
      let difference = abs(pair.0 - pair.1)
      if difference.isNaN || difference > share * max(1, abs(pair.1)) { return "\(pair.0) for \(pair.1) at \(index)" }
    }
    return nil
  }
}
