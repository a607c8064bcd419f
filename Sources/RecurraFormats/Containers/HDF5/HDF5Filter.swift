internal import CRecurraZip
internal import RecurraLayers
internal import RecurraTensor

/// What has been done to every block of a dataset before it was written.
enum HDF5Filter: Sendable, Equatable {
  /// Bytes of the same place in an element lie together.
  case shuffle
  case deflate

  /// Reads a filter pipeline message.
  ///
  /// - Returns: The filters in the order in which they were applied; nil with the name of one that is not known.
  static func pipeline(
    _ cursor: inout HDF5Cursor
  ) throws(RecurraError) -> (filters: [HDF5Filter], unknown: String?) {
    let (version, count) = (try cursor.byte(), Int(try cursor.byte()))
    guard version == 1 || version == 2 else {
      throw cursor.damaged(expected: "filters of version 1 or 2", got: "\(version)")
    }
    if version == 1 { try cursor.skip(6) }
    var filters: [HDF5Filter] = []
    for _ in 0..<count {
      let identifier = try cursor.count(2)
      let nameLength = version == 1 || identifier >= 256 ? try cursor.count(2) : 0
      try cursor.skip(2)
      let valueCount = try cursor.count(2)
      try cursor.skip(version == 1 ? (nameLength + 7) / 8 * 8 : nameLength)
      try cursor.skip(4 * valueCount + (version == 1 && valueCount % 2 == 1 ? 4 : 0))
      switch identifier {
      case 1: filters.append(.deflate)
      case 2: filters.append(.shuffle)
      default:
        let names = [3: "fletcher32", 4: "szip", 5: "nbit", 6: "scaleoffset", 32_000: "lzf"]
        return ([], "filter \(names[identifier] ?? "number \(identifier)")")
      }
    }
    return (filters, nil)
  }

  /// Brings back the bytes of a block.
  func undo(
    _ bytes: [UInt8], _ byteCount: Int, _ elementByteCount: Int, _ file: InputFile, _ name: String
  ) throws(RecurraError) -> [UInt8] {
    switch self {
    case .deflate:
      if let result = Self.inflated(bytes, atMost: byteCount) { return result }
      throw file.damaged(
        expected: "compressed chunks of dataset \(name.excerpt), of \(byteCount) bytes each", got: "other bytes")
    case .shuffle:
      let count = bytes.count / elementByteCount
      // What is left over behind whole elements stays where it is.
      var result = bytes
      for index in 0..<count {
        for byte in 0..<elementByteCount {
          result[index * elementByteCount + byte] = bytes[byte * count + index]
        }
      }
      return result
    }
  }

  /// Decompresses what zlib made; nil where the bytes are damaged, or there are more than a limit.
  private static func inflated(_ bytes: [UInt8], atMost limit: Int) -> [UInt8]? {
    // No deflated byte stands for more than 1,032: a limit beyond that takes no memory.
    guard bytes.count < Int(Int32.max), limit / 1_032 <= bytes.count else { return nil }
    var count = UInt(limit)
    var result = [UInt8](repeating: 0, count: limit)
    let code = unsafe result.withUnsafeMutableBufferPointer { output in
      unsafe bytes.withUnsafeBufferPointer { input in
        unsafe uncompress(output.baseAddress, &count, input.baseAddress, UInt(input.count))
      }
    }
    guard code == Z_OK else { return nil }
    result.removeLast(limit - Int(count))
    return result
  }
}
