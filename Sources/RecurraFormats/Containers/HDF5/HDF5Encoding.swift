internal import RecurraLayers
internal import RecurraTensor

/// How types, extents and attributes are written.
enum HDF5Encoding {
  /// A dataspace message.
  static func dataspace(_ shape: [Int]) -> [UInt8] {
    var message = HDF5Bytes()
    // Extents cannot grow, so that there are no largest ones.
    message.add([1, UInt8(truncatingIfNeeded: shape.count), 0, 0, 0, 0, 0, 0])
    for extent in shape { message.add(extent, 8) }
    return message.bytes
  }

  /// A datatype message.
  static func datatype(_ format: ElementFormat) -> [UInt8] {
    switch format {
    case .bool:
      // h5py's truth values: an enumeration over int8.
      var message = HDF5Bytes()
      message.add([0x18, 2, 0, 0, 1, 0, 0, 0])
      message.add(whole(1, isSigned: true))
      message.add("FALSE\0\0\0TRUE\0\0\0\0")
      message.add([0, 1])
      return message.bytes
    case .uint8: return whole(1, isSigned: false)
    case .int8: return whole(1, isSigned: true)
    case .uint16: return whole(2, isSigned: false)
    case .int16: return whole(2, isSigned: true)
    case .uint32: return whole(4, isSigned: false)
    case .int32: return whole(4, isSigned: true)
    case .uint64: return whole(8, isSigned: false)
    case .int64: return whole(8, isSigned: true)
    case .float16: return floating(2, exponent: 5, mantissa: 10, bias: 15)
    // Two bytes that the format does not explain, as h5py writes them for Keras.
    case .bfloat16: return [0x15, 0, 0, 0, 2, 0, 0, 0]
    case .float32: return floating(4, exponent: 8, mantissa: 23, bias: 127)
    case .float64: return floating(8, exponent: 11, mantissa: 52, bias: 1_023)
    }
  }

  private static func whole(_ byteCount: Int, isSigned: Bool) -> [UInt8] {
    var message = HDF5Bytes()
    message.add([0x10, isSigned ? 8 : 0, 0, 0])
    message.add(byteCount, 4)
    message.add(0, 2)
    message.add(8 * byteCount, 2)
    return message.bytes
  }

  private static func floating(_ byteCount: Int, exponent: Int, mantissa: Int, bias: Int) -> [UInt8] {
    var message = HDF5Bytes()
    message.add([0x11, 0x20, UInt8(truncatingIfNeeded: 8 * byteCount - 1), 0])
    message.add(byteCount, 4)
    message.add(0, 2)
    message.add(8 * byteCount, 2)
    for value in [mantissa, exponent, 0, mantissa] { message.add(value, 1) }
    message.add(bias, 4)
    return message.bytes
  }

  /// Texts in UTF-8 of any length.
  private static let texts: [UInt8] =
    [0x19, 1, 1, 0, 16, 0, 0, 0] + [0x10, 0, 0, 0, 1, 0, 0, 0, 0, 0, 8, 0]

  /// An attribute message up to its value, and the size that it has with the value, a multiple of 8.
  static func attribute(
    _ name: String, _ value: HDF5Value
  ) throws(RecurraError) -> (head: [UInt8], byteCount: Int) {
    let (type, shape, count): ([UInt8], [Int], Int)
    switch value {
    case .text: (type, shape, count) = (texts, [], 16)
    case .texts(let list): (type, shape, count) = (texts, [list.count], 16 * list.count)
    case .numbers(let tensor): (type, shape, count) = (datatype(tensor.format), tensor.shape, tensor.bytes.count)
    case .refused(let reason): throw HDF5Writer.failure("numbers and texts as attributes", got: reason)
    }
    guard !name.isEmpty, name.utf8.count < 60_000, !name.utf8.contains(0) else {
      throw HDF5Writer.failure("a name without NUL for an attribute", got: name.excerpt)
    }
    let space = dataspace(shape)
    var head = HDF5Bytes()
    head.add(1, 2)
    head.add(name.utf8.count + 1, 2)
    head.add(type.count, 2)
    head.add(space.count, 2)
    head.add(name)
    head.add(0, 1)
    head.align()
    head.add(type)
    head.align()
    head.add(space)
    head.align()
    return (head.bytes, (head.end + count + 7) / 8 * 8)
  }
}
