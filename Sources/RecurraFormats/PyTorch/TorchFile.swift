internal import RecurraLayers
internal import RecurraTensor

/// The tensors of a file that `torch.save` wrote.
struct TorchFile {
  /// The bytes that a pickle may have: it names tensors, whose numbers lie beside it.
  private static let maximumPickleByteCount = 1 << 26

  private(set) var tensors: NamedValues<StoredTensor> = [:]
  private(set) var notes: NamedValues<String> = [:]

  /// Reads an archive.
  init(_ archive: ZipArchive, _ file: InputFile) throws(RecurraError) {
    let names = archive.entries.map(\.name)
    if names.contains(where: { $0.hasSuffix("/constants.pkl") || $0.contains("/code/") }) {
      throw file.damaged(
        expected: "a state dict; torch.save(torch.jit.load(path).state_dict(), other) makes one",
        got: "a TorchScript archive")
    }
    let pickles = names.filter { $0.hasSuffix("/data.pkl") }
    guard pickles.count == 1 else { throw file.damaged(expected: "one data.pkl", got: "\(pickles.count)") }
    let folder = pickles[0].dropLast("data.pkl".count)
    var isBigEndian = false
    if archive.entry(folder + "byteorder") != nil {
      let order = try archive.bytes(of: folder + "byteorder", atMost: 16)
      isBigEndian = order.elementsEqual("big".utf8)
      guard isBigEndian || order.elementsEqual("little".utf8) else {
        throw file.damaged(expected: "little or big as byteorder", got: "another text")
      }
    }
    let operation = archive.operation(pickles[0])
    let pickle = try archive.bytes(of: pickles[0], atMost: Self.maximumPickleByteCount)
    var reader = PickleReader(PickleInput(pickle, operation: operation))
    let value = try reader.value()
    try collect(value, reader, operation, file.byteCount) { (storage, byteCount) throws(RecurraError) in
      let name = "\(folder)data/\(storage.key)"
      guard let entry = archive.entry(name), entry.byteCount == byteCount else {
        throw RecurraError(
          .badFile, operation: operation, expected: "\(byteCount) bytes in \(name.excerpt)",
          got: archive.entry(name).map { "\($0.byteCount)" } ?? "no such record")
      }
      let bytes = try archive.bytes(of: name)
      guard isBigEndian else { return bytes }
      guard let format = storage.format else {
        throw file.damaged(expected: "storages with a type, or little as byteorder", got: "bytes of no type")
      }
      return StridedElements.swapped(bytes, elementByteCount: format.byteCount)
    }
  }

  /// Reads the format before the archive: pickles one after the other, then the storages.
  init(legacy file: InputFile) throws(RecurraError) {
    let bytes = try file.bytes(0..<file.byteCount)
    var reader = PickleReader(PickleInput(bytes, operation: file.operation))
    guard case .long(let magic) = try reader.value(), magic == Self.magic,
      case .integer(1001) = try reader.value()
    else { throw file.damaged(expected: "the magic number and version of torch.save", got: "others") }
    try Self.checkByteOrder(try reader.value(), reader, file)
    let value = try reader.value()
    guard case .container(let number) = try reader.value(), case .list(let keys) = reader.containers[number] else {
      throw file.damaged(expected: "the keys of the storages", got: "another value")
    }
    var position = reader.input.position
    var storages: [String: Range<Int>] = [:]
    for key in keys {
      guard case .text(let name) = key else { throw file.damaged(expected: "a text as key", got: key.kind) }
      guard let count = bytes.littleEndian(at: position, count: 8).flatMap({ Int(exactly: $0) }) else {
        throw file.damaged(expected: "the count of storage \(name.excerpt)", got: "the end of the file")
      }
      guard let storage = reader.storages[name] else {
        throw file.damaged(expected: "keys of storages that the pickle names", got: name.excerpt)
      }
      let size = storage.format?.byteCount ?? 1
      let (byteCount, overflow) = count.multipliedReportingOverflow(by: size)
      position += 8
      guard !overflow, byteCount <= bytes.count - position else {
        throw file.damaged(expected: "\(count) elements of storage \(name.excerpt)", got: "the end of the file")
      }
      storages[name] = position..<(position + byteCount)
      position += byteCount
    }
    guard position == bytes.count else {
      throw file.damaged(expected: "storages that end with the file", got: "\(bytes.count - position) further bytes")
    }
    try collect(value, reader, file.operation, file.byteCount) { (storage, byteCount) throws(RecurraError) in
      guard let range = storages[storage.key], range.count == byteCount else {
        throw file.damaged(
          expected: "\(byteCount) bytes of storage \(storage.key.excerpt)",
          got: storages[storage.key].map { "\($0.count)" } ?? "no such storage")
      }
      return Array(bytes[range])
    }
  }

  /// The number that a file of the older format starts with, as its pickle has it.
  static let magic: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]

  /// Tells by a file's first bytes whether it is of the older format.
  static func isLegacy(_ head: [UInt8]) -> Bool {
    head.count > 15 && head[0] == 0x80 && head[2] == 0x8A && head[3] == 10 && head[4..<14].elementsEqual(magic)
  }

  private static func checkByteOrder(
    _ value: PickleValue, _ reader: PickleReader, _ file: InputFile
  ) throws(RecurraError) {
    guard case .container(let number) = value, case .dictionary(let members) = reader.containers[number] else {
      throw file.damaged(expected: "what torch.save says of its machine", got: "another value")
    }
    for (key, value) in members {
      if case .text("little_endian") = key, case .bool(false) = value {
        throw file.damaged(expected: "numbers whose lowest byte comes first", got: "a file of the other byte order")
      }
    }
  }

  /// Takes the tensors out of their storages.
  private mutating func collect(
    _ value: PickleValue, _ reader: PickleReader, _ operation: String, _ fileByteCount: Int,
    _ bytes: (PickledStorage, Int) throws(RecurraError) -> [UInt8]
  ) throws(RecurraError) {
    var collector = TensorCollector(containers: reader.containers, operation: operation)
    try collector.collect(value)
    // Tensors can lie in one storage many times over; together they stay in the order of their file.
    var room = (1 << 26).addingReportingOverflow(2 * min(fileByteCount, .max / 4)).partialValue
    var storages: [String: [UInt8]] = [:]
    for (name, tensor) in collector.tensors {
      let elements = StridedElements(
        elementByteCount: tensor.format.byteCount, shape: tensor.shape, strides: tensor.strides, offset: tensor.offset)
      let byteCount = tensor.format.byteCount(of: tensor.shape) ?? .max
      guard byteCount <= room else {
        throw RecurraError(
          .badFile, operation: operation, expected: "tensors of at most 64 MiB and twice the file's bytes",
          got: "more with \(name.excerpt) of shape \(tensor.shape)")
      }
      room -= byteCount
      let storage = tensor.storage
      if storages[storage.key] == nil {
        let (size, overflow) = storage.count.multipliedReportingOverflow(by: storage.format?.byteCount ?? 1)
        guard !overflow else {
          throw RecurraError(
            .badFile, operation: operation, expected: "a storage whose size fits in 64 bits", got: "\(storage.count)")
        }
        storages[storage.key] = try bytes(storage, size)
      }
      let own = storages[storage.key] ?? []
      // One key may be named with two counts, of which the larger one reaches past the record.
      guard elements.liesWithin(elementCount: own.count / tensor.format.byteCount) else {
        throw RecurraError(
          .badFile, operation: operation, expected: "\(name.excerpt) within its storage", got: "shape \(tensor.shape)")
      }
      guard tensors[name] == nil else {
        throw RecurraError(
          .badFile, operation: operation, expected: "tensors of different names", got: "\(name.excerpt) twice")
      }
      try MemoryLimit.require(byteCount, operation, for: "tensor \(name.excerpt)")
      tensors[name] = StoredTensor(tensor.format, shape: tensor.shape, bytes: elements.rowMajor(own))
    }
    for (name, text) in collector.notes { notes[name] = text }
  }
}
