import Foundation

/// A folder for the files of one test, gone with it.
final class TemporaryDirectory {
  private let folder: String

  init() throws {
    folder = FileManager.default.temporaryDirectory.path + "/recurra-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  func path(_ name: String) -> String { "\(folder)/\(name)" }
}
