package import RecurraLayers
package import RecurraTensor

/// A dataset of an HDF5 file: an array of numbers, with what it says of itself.
package struct HDF5Dataset: Sendable {
  private enum Content: Sendable {
    case memory(StoredTensor)
    case file(HDF5Storage)
    case refused(String, operation: String)
  }

  /// What it says of itself.
  package var attributes: NamedValues<HDF5Value> = [:]
  /// The extents.
  package let shape: [Int]
  private let content: Content

  /// Makes a dataset to be written.
  package init(_ tensor: StoredTensor) {
    (shape, content) = (tensor.shape, .memory(tensor))
    // As Keras marks what the format has no type for.
    if tensor.format == .bfloat16 { attributes["dtype"] = .text("bfloat16") }
  }

  init(_ storage: HDF5Storage, attributes: NamedValues<HDF5Value>) {
    (shape, content, self.attributes) = (storage.shape, .file(storage), attributes)
  }

  init(refused reason: String, shape: [Int], attributes: NamedValues<HDF5Value>, operation: String) {
    (self.shape, content, self.attributes) = (shape, .refused(reason, operation: operation), attributes)
  }

  /// Reads the elements.
  ///
  /// - Parameter name: What the dataset is called, for errors.
  /// - Throws: `badFile` for data that are damaged or of a kind that is not read, `outOfMemory` where they do not fit.
  package func tensor(named name: String) throws(RecurraError) -> StoredTensor {
    switch content {
    case .memory(let tensor): return tensor
    case .file(let storage):
      return try storage.tensor(named: name, isBrainFloat: attributes["dtype"] == .text("bfloat16"))
    case .refused(let reason, let operation):
      throw RecurraError(.badFile, operation: operation, expected: "numbers in dataset \(name.excerpt)", got: reason)
    }
  }
}
