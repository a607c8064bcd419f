public import RecurraLayers
public import RecurraTensor

/// Takes part in a training run: it is told when epochs and batches begin and end, and may stop the run.
///
/// Every function does nothing unless it is written. What one throws ends the run; the weights stay as they are.
///
/// A callback that remembers something from epoch to epoch gives it in `state` and `stateTensors`, so that a run can go
/// on from a file; then `onTrainBegin` must leave what `restore` set where `trainer.isResuming`, and begin anew
/// elsewhere.
public protocol Callback: AnyObject {
  /// What files call the class.
  static var typeName: String { get }
  /// The settings by name, in Keras' words where Keras has the callback; they get into files, so they hold no path.
  var configuration: [String: JSONValue] { get }
  /// What the callback remembers between batches, without its tensors; null for nothing.
  var state: JSONValue { get }
  /// The tensors that the callback remembers, by name.
  var stateTensors: [String: Tensor] { get }
  /// The names of what the callback adds to the logs of every epoch; callbacks that stand behind it may watch these.
  var addedLogNames: [String] { get }

  /// Takes back what `state` and `stateTensors` gave; is called before `onTrainBegin`.
  ///
  /// - Throws: `RecurraError` of kind `badFile` for what the callback cannot have given.
  func restore(state: JSONValue, tensors: [String: Tensor]) throws(RecurraError)
  /// Is called once, before the first epoch.
  func onTrainBegin(_ trainer: Trainer) throws(RecurraError)
  /// Is called before each epoch; epochs count from 0.
  func onEpochBegin(_ epoch: Int, _ trainer: Trainer) throws(RecurraError)
  /// Is called before each batch of training; batches count from 0.
  func onTrainBatchBegin(_ batch: Int, _ trainer: Trainer) throws(RecurraError)
  /// Is called after each batch of training, with the means since the epoch began.
  func onTrainBatchEnd(_ batch: Int, _ logs: Logs, _ trainer: Trainer) throws(RecurraError)
  /// Is called after each epoch and its validation; what it adds to the logs gets into the history.
  func onEpochEnd(_ epoch: Int, _ logs: inout Logs, _ trainer: Trainer) throws(RecurraError)
  /// Is called once, after the last epoch, with that epoch's logs.
  func onTrainEnd(_ logs: Logs, _ trainer: Trainer) throws(RecurraError)
}

/// A callback that can be made again from its settings.
///
/// One that holds functions or a path, such as `LambdaCallback` or `CSVLogger`, cannot: who continues a run gives it
/// again, in the same place.
public protocol RestorableCallback: Callback {
  /// Makes a callback from its settings; a missing one has its default, an unknown or wrong one is an error.
  init(configuration: LayerArguments) throws(RecurraError)
}

extension Callback {
  /// The name of the Swift type.
  public static var typeName: String { String(describing: Self.self) }
  /// None.
  public var configuration: [String: JSONValue] { [:] }
  /// Nothing.
  public var state: JSONValue { .null }
  /// None.
  public var stateTensors: [String: Tensor] { [:] }
  /// None.
  public var addedLogNames: [String] { [] }

  /// Takes nothing, and refuses everything else.
  public func restore(state: JSONValue, tensors: [String: Tensor]) throws(RecurraError) {
    guard state == .null, tensors.isEmpty else {
      throw RecurraError(
        .badFile, operation: "\(Self.typeName) state", expected: "none",
        got: tensors.isEmpty ? state.kind : "\(tensors.count) tensors")
    }
  }

  /// Does nothing.
  public func onTrainBegin(_ trainer: Trainer) throws(RecurraError) {}
  /// Does nothing.
  public func onEpochBegin(_ epoch: Int, _ trainer: Trainer) throws(RecurraError) {}
  /// Does nothing.
  public func onTrainBatchBegin(_ batch: Int, _ trainer: Trainer) throws(RecurraError) {}
  /// Does nothing.
  public func onTrainBatchEnd(_ batch: Int, _ logs: Logs, _ trainer: Trainer) throws(RecurraError) {}
  /// Does nothing.
  public func onEpochEnd(_ epoch: Int, _ logs: inout Logs, _ trainer: Trainer) throws(RecurraError) {}
  /// Does nothing.
  public func onTrainEnd(_ logs: Logs, _ trainer: Trainer) throws(RecurraError) {}
}
