public import RecurraTensor

/// Tensors by name with texts by name, as a safetensors file holds them.
///
/// Reading enforces every rule of the format, so a file that is read is whole and means one thing only. Formats that
/// tensors do not have become the nearest that holds them exactly: F16 and BF16 become float32; BOOL and integers
/// become int32, where an integer beyond 32 bits is an error. Writing is deterministic and gives the bytes of the
/// format's Python package.
///
/// - Source: huggingface/safetensors, format specification.
public struct SafeTensors: Sendable {
  /// The tensors by name.
  public var tensors: NamedValues<Tensor>
  /// The texts by name: the header's `__metadata__`.
  public var metadata: NamedValues<String>

  /// Makes a collection of tensors.
  public init(_ tensors: NamedValues<Tensor> = [:], metadata: NamedValues<String> = [:]) {
    self.tensors = tensors
    self.metadata = metadata
  }

  /// Makes a collection of the tensors in a dictionary.
  public init(_ tensors: [String: Tensor], metadata: [String: String] = [:]) {
    self.init(NamedValues(tensors), metadata: NamedValues(metadata))
  }

  /// Reads a file.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - maximumByteCount: The largest file to accept.
  /// - Throws: `noInput` when there is no such file, `badFile` when a rule of the format is broken, `inputOutput` when
  ///   reading fails.
  /// - Complexity: one copy from the system into the tensors' memory.
  public init(contentsOf path: String, maximumByteCount: Int = 1 << 36) throws(RecurraError) {
    try self.init(InputFile(path, maximumByteCount: maximumByteCount))
  }

  package init(_ file: InputFile) throws(RecurraError) {
    let header = try Header(file)
    metadata = header.metadata
    tensors = [:]
    tensors.reserveCapacity(header.entries.count)
    for entry in header.entries { tensors[entry.name] = try header.tensor(entry, file) }
  }

  /// Writes a file, whole or not at all: an error leaves a file of that name as it was.
  ///
  /// - Throws: `cannotCreate` when the file cannot be made, `inputOutput` when writing fails, `badArgument` for a
  ///   tensor that is called `__metadata__`.
  public func write(to path: String) throws(RecurraError) {
    try write(to: path, system: LocalFileSystem())
  }

  package func write(to path: String, system: any FileSystem) throws(RecurraError) {
    guard tensors[Header.metadataName] == nil else {
      throw RecurraError(
        .badArgument, operation: "write \(path)", expected: "tensors not called \(Header.metadataName)", got: "one")
    }
    let ordered = inFileOrder
    let header = Header.bytes(
      ordered.map { (name: $0.name, format: ElementFormat($0.tensor.dtype), shape: $0.tensor.shape) },
      metadata: metadata)
    try AtomicFile.write(to: path, system: system) { (file) throws(RecurraError) in
      try file.append(header)
      for (_, tensor) in ordered { try file.append(tensor) }
    }
  }

  private var inFileOrder: [(name: String, tensor: Tensor)] {
    tensors.map { (name: $0.name, tensor: $0.value) }.sorted { left, right in
      Header.precedes(
        (left.name, ElementFormat(left.tensor.dtype)), (right.name, ElementFormat(right.tensor.dtype)))
    }
  }
}
