internal import FoundationEssentials
internal import RecurraLayers
internal import RecurraTensor

/// Reads the tensors of a model file, those that lie in files beside it as well.
struct ONNXTensorReader: Sendable {
  /// Names the file in errors: "read model.onnx".
  let operation: String
  /// The folder of the model; nil where it did not come from a file.
  let folder: String?
  /// Whether the data of weights lies elsewhere: zeros stand for what is not there.
  var isWithoutWeights = false

  func value(_ message: ONNXTensorMessage) throws(RecurraError) -> ONNXValue {
    let name = message.name
    let stored = try stored(message)
    return try ONNXValue(stored, name: name, operation: operation)
  }

  /// The tensor as it lies there.
  func stored(_ message: ONNXTensorMessage) throws(RecurraError) -> StoredTensor {
    func failure(_ expected: String, _ got: String) -> RecurraError {
      RecurraError(
        .badFile, operation: "\(operation), tensor \(message.name.excerpt)", expected: expected, got: got)
    }
    guard let format = ElementFormat(code: message.dataType) else {
      throw failure("a tensor of numbers or truth values, of a byte or more", "element type \(message.dataType)")
    }
    guard message.dims.count <= 64 else { throw failure("at most 64 axes", "\(message.dims.count)") }
    var shape: [Int] = []
    for extent in message.dims { shape.append(Int(extent)) }
    let count = try Shape.validated(
      shape, byteCount: 8, operation: "\(operation), tensor \(message.name.excerpt)", kind: .badFile)
    guard count < Int(Int32.max) else { throw failure("fewer than 2³¹ elements", Shape.text(shape)) }
    let byteCount = count * format.byteCount
    if message.dataLocation == 1 {
      return StoredTensor(format, shape: shape, bytes: try external(message, byteCount, failure))
    }
    guard message.dataLocation == 0 else {
      throw failure("data in the file or beside it", "location \(message.dataLocation)")
    }
    if isWithoutWeights, format.isFloating, !message.hasRawData, message.floatData.isEmpty, message.doubleData.isEmpty,
      message.int32Data.isEmpty
    {
      try MemoryLimit.require(byteCount, operation, for: "tensor \(message.name.excerpt)")
      return StoredTensor(format, shape: shape, bytes: [UInt8](repeating: 0, count: byteCount))
    }
    if message.hasRawData || count == 0 {
      guard message.rawData.count == byteCount else {
        throw failure("\(byteCount) bytes for shape \(Shape.text(shape))", "\(message.rawData.count)")
      }
      return StoredTensor(format, shape: shape, bytes: Array(message.rawData))
    }
    let (bytes, found) = Self.typed(message, format)
    guard found == count else {
      throw failure("\(count) numbers for shape \(Shape.text(shape))", "\(found)")
    }
    return StoredTensor(format, shape: shape, bytes: bytes)
  }

  /// The elements that lie in the list of their type, and how many there are.
  private static func typed(_ message: ONNXTensorMessage, _ format: ElementFormat) -> (bytes: [UInt8], count: Int) {
    var bytes: [UInt8] = []
    func add(_ bits: UInt64) {
      for index in 0..<format.byteCount { bytes.append(UInt8(truncatingIfNeeded: bits >> (8 * UInt64(index)))) }
    }
    switch format {
    case .float32:
      for number in message.floatData { add(UInt64(number.bitPattern)) }
      return (bytes, message.floatData.count)
    case .float64:
      for number in message.doubleData { add(number.bitPattern) }
      return (bytes, message.doubleData.count)
    case .int64:
      for number in message.int64Data { add(UInt64(bitPattern: number)) }
      return (bytes, message.int64Data.count)
    case .uint32, .uint64:
      for number in message.uint64Data { add(number) }
      return (bytes, message.uint64Data.count)
    default:
      for number in message.int32Data { add(UInt64(bitPattern: Int64(number))) }
      return (bytes, message.int32Data.count)
    }
  }

  private func external(
    _ message: ONNXTensorMessage, _ byteCount: Int, _ failure: (String, String) -> RecurraError
  ) throws(RecurraError) -> [UInt8] {
    var entries: [String: String] = [:]
    for entry in message.externalData { entries[entry.key] = entry.value }
    guard let folder else { throw failure("data in the file itself", "external data") }
    let location = entries["location"] ?? ""
    let parts = location.split(separator: "/", omittingEmptySubsequences: false)
    guard !location.isEmpty, !location.contains("\\"), !location.contains("\0"),
      !parts.contains(where: { $0.isEmpty || $0 == ".." })
    else { throw failure("external data within the model's folder", location.excerpt) }
    let path = folder + "/" + location
    let real = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    let root = URL(fileURLWithPath: folder).resolvingSymlinksInPath().path
    guard real.hasPrefix(root.hasSuffix("/") ? root : root + "/") else {
      throw failure("external data within the model's folder", "a link out of it, \(location.excerpt)")
    }
    func number(_ key: String, _ fallback: Int) throws(RecurraError) -> Int {
      guard let text = entries[key] else { return fallback }
      guard let number = Int(text), number >= 0 else { throw failure("a \(key) of 0 or more", text.excerpt) }
      return number
    }
    let (offset, length) = (try number("offset", 0), try number("length", byteCount))
    guard length == byteCount else { throw failure("\(byteCount) bytes of external data", "length \(length)") }
    let data = try InputFile(path)
    guard offset <= data.byteCount, data.byteCount - offset >= length else {
      throw failure("\(length) bytes at offset \(offset) of \(location.excerpt)", "\(data.byteCount) in all")
    }
    return try data.bytes(offset..<(offset + length))
  }
}
