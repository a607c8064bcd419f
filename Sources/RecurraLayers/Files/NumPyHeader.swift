package import RecurraTensor

/// What a NumPy file says about its array before the data.
package struct NumPyHeader {
  package let format: ElementFormat
  package let isBigEndian: Bool
  package let isFortranOrder: Bool
  package let shape: [Int]
  /// Where the data start in the file.
  package let dataOffset: Int
  /// The bytes of the data.
  package let byteCount: Int

  private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
  /// NumPy's own limit.
  private static let maximumByteCount = 10_000
  /// No header ends behind it.
  package static let maximumEnd = 12 + maximumByteCount

  /// Reads a header.
  ///
  /// - Parameters:
  ///   - file: The file, or its start.
  ///   - fileByteCount: What the whole file has; nil where `file` is whole.
  package init(_ file: InputFile, fileByteCount: Int? = nil) throws(RecurraError) {
    guard file.byteCount >= 10, try file.bytes(0..<6) == Self.magic else {
      throw file.damaged(expected: "a NumPy file", got: "other bytes at its start")
    }
    let version = try file.bytes(6..<8)
    guard (1...3).contains(version[0]), version[1] == 0 else {
      throw file.damaged(expected: "format version 1.0, 2.0 or 3.0", got: "\(version[0]).\(version[1])")
    }
    let start = version[0] == 1 ? 10 : 12
    let length = try file.bytes(8..<start).reversed().reduce(0) { $0 << 8 | Int($1) }
    guard length <= Self.maximumByteCount else {
      throw file.damaged(expected: "a header of at most \(Self.maximumByteCount) bytes", got: "\(length)")
    }
    var literal = PythonLiteral(bytes: try file.bytes(start..<(start + length)), file: file, offset: start)
    let fields = try literal.header()
    guard let type = NumPyType(fields.type) else {
      throw file.damaged(
        expected: "numbers: b1, i1 to i8, u1 to u8 or f2 to f8, with <, >, = or | in front", got: fields.type.excerpt)
    }
    (format, isBigEndian) = (type.format, type.isBigEndian)
    isFortranOrder = fields.isFortranOrder
    shape = fields.shape
    dataOffset = start + length
    guard let byteCount = format.byteCount(of: shape), byteCount <= .max - dataOffset else {
      throw file.damaged(expected: "a size that fits in 64 bits", got: "shape \(shape)")
    }
    // As NumPy: several arrays may follow each other in a file, and the first one is read.
    let available = (fileByteCount ?? file.byteCount) - dataOffset
    guard available >= byteCount else {
      throw file.damaged(
        expected: "\(byteCount) bytes of data for \(fields.type.excerpt) of shape \(shape)", got: "\(available)")
    }
    self.byteCount = byteCount
  }

  /// The bytes before the data, as NumPy writes them: padded so that the data start at a multiple of 64.
  static func bytes(dtype: DType, shape: [Int]) -> [UInt8] { bytes(ElementFormat(dtype), shape: shape) }

  /// The same for any type that NumPy has; bfloat16 is none of them.
  package static func bytes(_ format: ElementFormat, shape: [Int]) -> [UInt8] {
    let type = NumPyType.code(of: format)
    let extents = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    var text = Array("{'descr': '\(type)', 'fortran_order': False, 'shape': (\(extents)), }".utf8)
    // NumPy leaves room for the first extent to grow to 21 digits in place; it is lost in the padding to 64 bytes or
    // adds to it.
    text += repeatElement(UInt8(ascii: " "), count: shape.first.map { 21 - String($0).utf8.count } ?? 0)
    text += repeatElement(UInt8(ascii: " "), count: 64 - (10 + text.count + 1) % 64) + [UInt8(ascii: "\n")]
    return magic + [1, 0, UInt8(truncatingIfNeeded: text.count), UInt8(truncatingIfNeeded: text.count >> 8)] + text
  }
}
