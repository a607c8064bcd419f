import Foundation
import RecurraFormats
import RecurraLayers
import RecurraTensor
import TestSupport

extension HDF5File {
  /// Reads the tree of a file among the fixtures of Keras.
  static func fixture(_ name: String) throws -> HDF5Group {
    try read(InputFile(Fixture.path("formats/keras/\(name)")))
  }

  /// Reads all that is in a file: every group, attribute and number.
  static func readWhole(_ file: InputFile) throws {
    for (path, dataset) in try read(file).datasets() { _ = try dataset.tensor(named: path) }
  }

  /// Writes bytes to where Keras and h5py are to read them; Tests/Fixtures/formats/check_keras.py says how.
  static func leave(_ bytes: [UInt8], as name: String) throws {
    guard let folder = ProcessInfo.processInfo.environment["RECURRA_KERAS_FOLDER"] else { return }
    try AtomicFile.write(to: "\(folder)/\(name)") { (file) throws(RecurraError) in try file.append(bytes) }
  }

  /// The bytes of a file among the fixtures of Keras.
  static func bytes(_ name: String) throws -> [UInt8] {
    let file = try InputFile(Fixture.path("formats/keras/\(name)"))
    return try file.bytes(0..<file.byteCount)
  }
}

extension HDF5Group {
  /// The numbers of a dataset that must be there.
  func numbers(_ path: String) throws -> [Double] {
    let stored = try self.tensor(path)
    return try stored.tensor(named: path, in: "test").converted(to: .float64).scalars(as: Double.self)
  }

  /// A dataset that must be there.
  func tensor(_ path: String) throws -> StoredTensor {
    guard let dataset = try dataset(path) else { throw damaged(path, expected: "a dataset", got: "none") }
    return try dataset.tensor(named: path)
  }
}
