internal import RecurraLayers
internal import RecurraTensor

/// Writes tensors as `torch.save` writes a state dict: an archive with a pickle, and a record for each tensor.
enum TorchWriter {
  private static let folder = "archive"

  static func write(
    _ tensors: NamedValues<StoredTensor>, to path: String, system: any FileSystem = LocalFileSystem()
  ) throws(RecurraError) {
    let pickle = try pickle(tensors, path)
    try AtomicFile.write(to: path, system: system) { (file) throws(RecurraError) in
      var writer = ZipWriter()
      func add(_ name: String, _ bytes: [UInt8]) throws(RecurraError) {
        try file.append(
          writer.header("\(folder)/\(name)", byteCount: bytes.count, checksum: Checksum.of(bytes), alignment: 64))
        try file.append(bytes)
      }
      try add("data.pkl", pickle)
      try add("byteorder", Array("little".utf8))
      for (index, tensor) in tensors.enumerated() { try add("data/\(index)", tensor.value.bytes) }
      try add("version", Array("3\n".utf8))
      try file.append(writer.directory())
    }
  }

  /// OrderedDict() with a tensor for each name, in protocol 2.
  private static func pickle(_ tensors: NamedValues<StoredTensor>, _ path: String) throws(RecurraError) -> [UInt8] {
    var pickle: [UInt8] = [0x80, 2]
    appendGlobal("collections", "OrderedDict", to: &pickle)
    pickle += Array(")R(".utf8)
    for (index, (name, tensor)) in tensors.enumerated() {
      guard let storage = PickleGlobal.storages.first(where: { $0.value == tensor.format })?.key else {
        throw RecurraError(
          .badArgument, operation: "write \(path)",
          expected: "types that PyTorch has storages of", got: "\(tensor.elementType) of \(name.excerpt)")
      }
      append(name, to: &pickle)
      appendGlobal("torch._utils", "_rebuild_tensor_v2", to: &pickle)
      pickle += Array("((".utf8)
      append("storage", to: &pickle)
      appendGlobal("torch", storage, to: &pickle)
      append("\(index)", to: &pickle)
      append("cpu", to: &pickle)
      append(tensor.count, to: &pickle)
      pickle += Array("tQ".utf8)
      append(0, to: &pickle)
      append(tensor.shape, to: &pickle)
      var strides: [Int] = []
      var stride = 1
      for extent in tensor.shape.reversed() {
        strides.append(stride)
        stride *= max(extent, 1)
      }
      append(strides.reversed(), to: &pickle)
      pickle.append(0x89)
      appendGlobal("collections", "OrderedDict", to: &pickle)
      pickle += Array(")RtR".utf8)
    }
    return pickle + Array("u.".utf8)
  }

  private static func appendGlobal(_ module: String, _ name: String, to pickle: inout [UInt8]) {
    pickle += Array("c\(module)\n\(name)\n".utf8)
  }

  private static func append(_ text: String, to pickle: inout [UInt8]) {
    pickle.append(UInt8(ascii: "X"))
    pickle.appendLittleEndian(UInt64(text.utf8.count), count: 4)
    pickle += Array(text.utf8)
  }

  private static func append(_ number: Int, to pickle: inout [UInt8]) {
    pickle += [0x8A, 8]
    pickle.appendLittleEndian(UInt64(bitPattern: Int64(number)), count: 8)
  }

  private static func append(_ numbers: [Int], to pickle: inout [UInt8]) {
    pickle.append(UInt8(ascii: "("))
    for number in numbers { append(number, to: &pickle) }
    pickle.append(UInt8(ascii: "t"))
  }
}
