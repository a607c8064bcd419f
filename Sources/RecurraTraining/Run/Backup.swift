/// Says where `fit` keeps the state of a run, so that the run goes on after the end of its process.
///
/// The directory holds the last two states, each whole or not at all; should the newer one be damaged, the older one
/// serves. When `fit` is called again with the same model, data and options, it goes on from there, to the bits of a
/// run that was never interrupted, on any number of threads. A directory of another run is refused, and so is one that
/// another process uses.
///
/// ```swift
/// let history = try trainer.fit(x, y, epochs: 100, backup: Backup("words-backup"))
/// ```
public struct Backup: Sendable, Equatable {
  /// The directory; it is made when it is missing.
  public var directory: String
  /// The number of batches after which the state is written, besides at the end of every epoch; nil for epochs alone.
  public var batches: Int?

  /// Names a directory.
  public init(_ directory: String, everyBatches batches: Int? = nil) {
    self.directory = directory
    self.batches = batches
  }

  /// The files of the last two states.
  package var paths: [String] { (0..<2).map { "\(directory)/state-\($0).safetensors" } }
}
