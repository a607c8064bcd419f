import RecurraLayers
import RecurraTensor
import RecurraTraining

/// Counts batches over all epochs, and lowers the learning rate by what it counted.
final class BatchCounter: RestorableCallback {
  static let typeName = "BatchCounter"
  private let every: Int
  private var seen = 0
  private var sum: Tensor?

  init(every: Int) { self.every = every }
  init(configuration: LayerArguments) throws(RecurraError) { every = try configuration.integer("every") }

  var configuration: [String: JSONValue] { ["every": .integer(every)] }
  var state: JSONValue { .object([("seen", .integer(seen))]) }
  var stateTensors: [String: Tensor] { sum.map { ["sum": $0] } ?? [:] }

  func restore(state: JSONValue, tensors: [String: Tensor]) throws(RecurraError) {
    guard case .integer(let count)? = state["seen"] else {
      throw RecurraError(.badFile, operation: "BatchCounter state", expected: "a count", got: state.kind)
    }
    (seen, sum) = (count, tensors["sum"])
  }

  func onTrainBegin(_ trainer: Trainer) { if !trainer.isResuming { (seen, sum) = (0, nil) } }

  func onTrainBatchEnd(_ batch: Int, _ logs: Logs, _ trainer: Trainer) {
    seen += 1
    sum = (sum ?? .zeros([1], dtype: .float64)) + Tensor([logs.loss ?? 0])
    if seen % every == 0 { trainer.learningRate *= 1 - (sum?.item ?? 0) / 1024 }
  }

  func onEpochEnd(_ epoch: Int, _ logs: inout Logs, _ trainer: Trainer) { logs["seen"] = Double(seen) }
}
