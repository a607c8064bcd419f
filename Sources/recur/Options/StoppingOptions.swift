internal import ArgumentParser
internal import Recurra

/// When a run ends before its last epoch, and which of its epochs is kept.
struct StoppingOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Ends the run after so many epochs without a smaller validation loss, or loss where nothing is validated.",
      valueName: "patience"))
  var earlyStopping: Int?

  @Flag(help: "Saves the weights of the epoch with the smallest validation loss, or loss, instead of the last ones.")
  var bestOnly = false

  func validate() throws {
    guard let earlyStopping, earlyStopping < 0 else { return }
    throw ValidationError("Expected --early-stopping of 0 epochs or more, got \(earlyStopping).")
  }

  /// What does that during the run; nil when nothing of it is asked for.
  func callback(hasValidation: Bool) -> EarlyStopping? {
    guard earlyStopping != nil || bestOnly else { return nil }
    return EarlyStopping(
      monitor: hasValidation ? "val_loss" : "loss", patience: earlyStopping ?? .max, restoreBestWeights: bestOnly,
      verbose: true)
  }
}
