internal import RecurraLayers
internal import RecurraTensor

/// Where the elements of a dataset lie in a file.
struct HDF5Storage: Sendable {
  enum Place: Sendable {
    /// One after the other; no offset where nothing has been written.
    case contiguous(offset: Int?, byteCount: Int)
    /// Among what the file says of the dataset.
    case compact(ArraySlice<UInt8>)
    /// In blocks of one shape.
    case chunked(HDF5Chunks)
  }

  let file: InputFile
  let type: HDF5Datatype
  let shape: [Int]
  let place: Place
  /// The element that stands where nothing has been written; empty for zeros.
  let fill: [UInt8]

  /// Reads the elements and puts their bytes in order.
  func tensor(named name: String, isBrainFloat: Bool) throws(RecurraError) -> StoredTensor {
    let (format, isBigEndian) = try numbers(name, isBrainFloat)
    guard let byteCount = HDF5Dataspace.byteCount(of: shape, format.byteCount) else {
      throw file.damaged(expected: "dataset \(name.excerpt) of a size that can be counted", got: "\(shape)")
    }
    var bytes = try bytes(byteCount, format.byteCount, name)
    if isBigEndian {
      for start in stride(from: 0, to: bytes.count, by: format.byteCount) {
        bytes[start..<(start + format.byteCount)].reverse()
      }
    }
    return StoredTensor(format, shape: shape, bytes: bytes)
  }

  private func numbers(
    _ name: String, _ isBrainFloat: Bool
  ) throws(RecurraError) -> (format: ElementFormat, isBigEndian: Bool) {
    switch type {
    case .numbers(let format, let isBigEndian): return (format, isBigEndian)
    case .opaque(2) where isBrainFloat: return (.bfloat16, false)
    case .opaque: throw refusal(name, "bytes of an unknown type")
    case .texts, .fixedTexts: throw refusal(name, "texts")
    case .refused(let reason): throw refusal(name, reason)
    }
  }

  private func refusal(_ name: String, _ reason: String) -> RecurraError {
    file.damaged(expected: "numbers in dataset \(name.excerpt)", got: reason)
  }

  private func bytes(_ byteCount: Int, _ elementByteCount: Int, _ name: String) throws(RecurraError) -> [UInt8] {
    switch place {
    case .contiguous(let offset?, let ownByteCount):
      guard byteCount == ownByteCount else {
        throw file.damaged(expected: "\(byteCount) bytes of dataset \(name.excerpt)", got: "\(ownByteCount)")
      }
      guard offset <= file.byteCount, byteCount <= file.byteCount - offset else {
        throw file.damaged(
          expected: "\(byteCount) bytes of dataset \(name.excerpt) from \(offset) on", got: "\(file.byteCount) in all")
      }
      return try file.bytes(offset..<(offset + byteCount))
    case .contiguous(nil, _): return try filled(byteCount, elementByteCount, name)
    case .compact(let bytes):
      guard bytes.count == byteCount else {
        throw file.damaged(expected: "\(byteCount) bytes of dataset \(name.excerpt)", got: "\(bytes.count)")
      }
      return Array(bytes)
    case .chunked(let chunks):
      var bytes = try filled(byteCount, elementByteCount, name)
      try chunks.read(into: &bytes, shape, elementByteCount, file, name)
      return bytes
    }
  }

  /// The element for what has not been written, as often as there are elements: no more than a file of this size can
  /// mean in earnest, since a few bytes could ask for any memory.
  private func filled(_ byteCount: Int, _ elementByteCount: Int, _ name: String) throws(RecurraError) -> [UInt8] {
    let (largest, overflow) = file.byteCount.multipliedReportingOverflow(by: 1_000)
    guard byteCount <= max(1 << 20, file.byteCount) || (!overflow && byteCount <= largest && isChunked) else {
      throw file.damaged(
        expected: "dataset \(name.excerpt) \(shape) with its data", got: "\(file.byteCount) bytes in all")
    }
    try MemoryLimit.require(byteCount, file.operation, for: "dataset \(name.excerpt) \(shape)")
    guard fill.count == elementByteCount, fill.contains(where: { $0 != 0 }) else {
      return [UInt8](repeating: 0, count: byteCount)
    }
    return (0..<byteCount).map { fill[$0 % elementByteCount] }
  }

  private var isChunked: Bool { if case .chunked = place { true } else { false } }
}
