internal import RecurraLayers
internal import RecurraTensor

/// The type of the elements of a dataset or an attribute.
enum HDF5Datatype: Equatable {
  case numbers(ElementFormat, isBigEndian: Bool)
  /// Texts that all have room for as many bytes, filled up with zeros, or with spaces.
  case fixedTexts(byteCount: Int, isPaddedWithSpaces: Bool)
  /// Texts of any length, which lie in global heaps.
  case texts
  /// Bytes that the file does not explain; Keras stores bfloat16 so.
  case opaque(byteCount: Int)
  /// What is not read, in words.
  case refused(String)

  /// The bytes of an element where the dataset or attribute lies.
  var byteCount: Int {
    switch self {
    case .numbers(let format, _): format.byteCount
    case .fixedTexts(let byteCount, _), .opaque(let byteCount): byteCount
    case .texts: 16
    case .refused: 0
    }
  }

  /// Reads a datatype message.
  ///
  /// - Throws: `badFile` where the message is damaged; a type that is not supported becomes `refused`.
  init(_ cursor: inout HDF5Cursor) throws(RecurraError) {
    let head = try cursor.byte()
    guard (1...3).contains(head >> 4) else {
      self = .refused("a datatype of version \(head >> 4)")
      return
    }
    let (first, second) = (try cursor.byte(), try cursor.byte())
    try cursor.skip(1)
    let byteCount = try cursor.count(4)
    switch head & 15 {
    case 0: self = try Self.whole(first, byteCount, &cursor)
    case 1: self = try Self.floating(first, second, byteCount, &cursor)
    case 3: self = .fixedTexts(byteCount: byteCount, isPaddedWithSpaces: first & 15 == 2)
    case 5: self = .opaque(byteCount: byteCount)
    case 8:
      self = try Self.enumeration(Int(first) + Int(second) << 8, version: head >> 4, &cursor)
    case 9: self = first & 15 == 1 && byteCount == 16 ? .texts : .refused("sequences of variable length")
    case 2: self = .refused("a type of times")
    case 4: self = .refused("a type of bit fields")
    case 6: self = .refused("a compound type")
    case 7: self = .refused("a type of references")
    case 10: self = .refused("a type of arrays")
    default: self = .refused("a datatype of class \(head & 15)")
    }
  }

  private static func whole(
    _ flags: UInt8, _ byteCount: Int, _ cursor: inout HDF5Cursor
  ) throws(RecurraError) -> HDF5Datatype {
    let (offset, precision) = (try cursor.count(2), try cursor.count(2))
    let formats: [ElementFormat?] = [.uint8, .int8, .uint16, .int16, .uint32, .int32, .uint64, .int64]
    let widths = [1, 2, 4, 8]
    guard offset == 0, let width = widths.firstIndex(of: byteCount), precision == 8 * byteCount,
      let format = formats[2 * width + (flags & 8 == 0 ? 0 : 1)]
    else { return .refused("whole numbers of \(precision) bits in \(byteCount) bytes") }
    return .numbers(format, isBigEndian: flags & 1 == 1)
  }

  private static func floating(
    _ flags: UInt8, _ sign: UInt8, _ byteCount: Int, _ cursor: inout HDF5Cursor
  ) throws(RecurraError) -> HDF5Datatype {
    let (offset, precision) = (try cursor.count(2), try cursor.count(2))
    var layout = [Int(sign)]
    for _ in 0..<4 { layout.append(Int(try cursor.byte())) }
    layout.append(try cursor.count(4))
    // Sign, exponent and its width, mantissa and its width, bias.
    let formats: [(ElementFormat, [Int])] = [
      (.float16, [15, 10, 5, 0, 10, 15]), (.bfloat16, [15, 7, 8, 0, 7, 127]),
      (.float32, [31, 23, 8, 0, 23, 127]), (.float64, [63, 52, 11, 0, 52, 1023]),
    ]
    guard offset == 0, precision == 8 * byteCount, flags & 0x40 == 0, flags >> 4 & 3 == 2,
      let format = formats.first(where: { $0.0.byteCount == byteCount && $0.1 == layout })?.0
    else { return .refused("floating numbers other than those of IEEE 754") }
    return .numbers(format, isBigEndian: flags & 1 == 1)
  }

  /// Truth values are an enumeration of FALSE and TRUE in h5py.
  private static func enumeration(
    _ memberCount: Int, version: UInt8, _ cursor: inout HDF5Cursor
  ) throws(RecurraError) -> HDF5Datatype {
    let other = HDF5Datatype.refused("an enumeration")
    // The type underneath, whose class must not be another enumeration: that could go on for ever.
    let head = try cursor.byte()
    try cursor.skip(3)
    guard head & 15 == 0, try cursor.count(4) == 1, memberCount == 2 else { return other }
    try cursor.skip(4)
    var names: [[UInt8]] = []
    for _ in 0..<memberCount {
      var name: [UInt8] = []
      while case let byte = try cursor.byte(), byte != 0 { name.append(byte) }
      if version < 3 { try cursor.skip((8 - (name.count + 1) % 8) % 8) }
      names.append(name)
    }
    let values = try cursor.take(memberCount)
    guard names == [Array("FALSE".utf8), Array("TRUE".utf8)], Array(values) == [0, 1] else { return other }
    return .numbers(.bool, isBigEndian: false)
  }
}
