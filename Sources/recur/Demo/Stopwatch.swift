internal import Recurra

/// Measures the epochs of a run.
final class Stopwatch: Callback {
  private let clock = ContinuousClock()
  private var epochStart = ContinuousClock.now
  private var batchEnd = ContinuousClock.now
  private var batches = 0
  private var training = Duration.zero
  private var total = Duration.zero
  private var epochs = 0

  func onEpochBegin(_ epoch: Int, _ trainer: Trainer) {
    epochStart = clock.now
    batchEnd = epochStart
  }

  func onTrainBatchEnd(_ batch: Int, _ logs: Logs, _ trainer: Trainer) {
    let now = clock.now
    training += now - batchEnd
    batchEnd = now
    batches += 1
  }

  func onEpochEnd(_ epoch: Int, _ logs: inout Logs, _ trainer: Trainer) {
    total += clock.now - epochStart
    epochs += 1
  }

  /// Validation included.
  var secondsPerEpoch: Double { total / .seconds(max(epochs, 1)) }
  /// Training alone.
  var batchesPerSecond: Double { Double(batches) / max(training / .seconds(1), 1e-9) }
}
