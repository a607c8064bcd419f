internal import ArgumentParser
internal import Recurra

/// How a batch is gone through, and where the state of the run is kept.
struct BackupOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: "The rows that go through the model at a time; the whole batch when not given.")
  var blockSize: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Lets no gradient go back across every so many timesteps; all the way when not given.", valueName: "timesteps"))
  var truncation: Int?

  @Flag(help: "Computes what a long sequence needs for its way back a second time, instead of keeping it.")
  var recompute = false

  @Option(
    help: ArgumentHelp(
      "Keeps the state of the run in a directory after every epoch, and goes on from there when it exists.",
      valueName: "dir"), completion: .directory)
  var backup: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Writes the state after so many batches of an epoch as well.", valueName: "batches"))
  var backupBatches: Int?

  func validate() throws {
    if let blockSize, blockSize < 1 { throw ValidationError("Expected --block-size of 1 or more, got \(blockSize).") }
    if let truncation, truncation < 1 {
      throw ValidationError("Expected --truncation of 1 or more, got \(truncation).")
    }
    if let backupBatches, backupBatches < 1 {
      throw ValidationError("Expected --backup-batches of 1 or more, got \(backupBatches).")
    }
    guard backupBatches == nil || backup != nil else {
      throw ValidationError("Expected --backup beside --backup-batches, got it alone.")
    }
    if backup?.isEmpty == true { throw ValidationError("Expected --backup and a directory, got an empty path.") }
  }

  /// Adds the files to those of the command.
  func register(_ roles: inout FileRoles) throws(RecurraError) {
    guard let backup else { return }
    try roles.writes("--backup", backup)
    for path in Backup(backup).paths { try roles.writes("--backup", path) }
  }

  /// The directory for `fit`.
  var directory: Backup? { backup.map { Backup($0, everyBatches: backupBatches) } }
}
