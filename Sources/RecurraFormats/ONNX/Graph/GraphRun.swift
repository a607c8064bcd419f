internal import RecurraLayers
internal import RecurraTensor

/// One run of a graph: what may be spent on it, and how parameters are read.
final class GraphRun {
  /// Names the model in errors: "run model.onnx".
  let operation: String
  let context: ForwardContext
  let parameters: [Parameter]
  /// The bytes that one array may take: what a file computes without reading it must not take the machine.
  let arrayLimit: Int
  /// The nodes that may still be run, those of loops by each turn: no file makes a run endless.
  private var nodesLeft: Int

  init(operation: String, context: ForwardContext, parameters: [Parameter], arrayLimit: Int) {
    (self.operation, self.context, self.parameters) = (operation, context, parameters)
    self.arrayLimit = arrayLimit
    nodesLeft = 2_000_000 + arrayLimit / 1_024
  }

  /// Counts a node, and a thousand numbers that it gives as another one.
  ///
  /// - Throws: `badData` where a run has had more than it may.
  func count(elements: Int = 0) throws(RecurraError) {
    nodesLeft -= 1 + elements / 1_024
    guard nodesLeft >= 0 else {
      throw RecurraError(
        .badData, operation: operation, expected: "a run of some 2000000 nodes at most", got: "more, in loops")
    }
  }
}

/// A value that is held during a run, with the number of its changes where it is the same in every run.
///
/// One reference: what flows through many small nodes is copied often.
final class HeldValue: Sendable {
  let value: ONNXValue
  let version: Int?

  init(_ value: ONNXValue, version: Int? = nil) { (self.value, self.version) = (value, version) }
}
