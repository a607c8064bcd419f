internal import Recurra

/// The files of one command, held apart before any work is done: what is written may not replace what is read, nor
/// itself.
struct FileRoles {
  private struct File {
    let role: String
    let path: String
    let identity: FileIdentity
  }

  private var inputs: [File] = []
  private var outputs: [File] = []

  /// Adds a file that is read.
  mutating func reads(_ role: String, _ path: String?) throws(RecurraError) {
    guard let path else { return }
    let file = File(role: role, path: path, identity: FileIdentity(path, standardStream: 0))
    // Whoever comes second finds nothing left.
    for other in inputs
    where (file.identity.isStream || other.identity.isStream) && file.identity.isSame(as: other.identity) {
      throw refusal(file, other)
    }
    inputs.append(file)
  }

  /// Adds a file that is written.
  ///
  /// - Parameter replaced: The role of a file that may be replaced all the same.
  mutating func writes(_ role: String, _ path: String?, mayReplace replaced: String? = nil) throws(RecurraError) {
    guard let path else { return }
    let file = File(role: role, path: path, identity: FileIdentity(path, standardStream: 1))
    for other in inputs + outputs where other.role != replaced && file.identity.isSame(as: other.identity) {
      throw refusal(file, other)
    }
    outputs.append(file)
  }

  private func refusal(_ file: File, _ other: File) -> RecurraError {
    RecurraError(
      .badArgument, operation: "\(file.role) \(file.path)", expected: "another file than that of \(other.role)",
      got: "the same, \(other.path)")
  }
}
