internal import RecurraLayers
internal import RecurraTensor

/// Reads the fields of one structure of an HDF5 file, which are little-endian.
struct HDF5Cursor {
  /// Names the structure in errors: "the local heap at 680".
  let place: String
  private let file: InputFile
  private let bytes: ArraySlice<UInt8>
  private var position: Int

  init(_ bytes: ArraySlice<UInt8>, of place: String, in file: InputFile) {
    (self.bytes, self.place, self.file) = (bytes, place, file)
    position = bytes.startIndex
  }

  /// The number of bytes that have not been read.
  var remaining: Int { bytes.endIndex - position }
  /// The number of bytes that have been read.
  var consumed: Int { position - bytes.startIndex }

  /// Reads bytes.
  mutating func take(_ count: Int) throws(RecurraError) -> ArraySlice<UInt8> {
    guard count >= 0, count <= remaining else {
      throw damaged(expected: "\(count) more bytes", got: "\(remaining)")
    }
    let start = position
    position += count
    return bytes[start..<position]
  }

  /// Passes over bytes.
  mutating func skip(_ count: Int) throws(RecurraError) { _ = try take(count) }

  /// Passes over what fills a structure up to a multiple of 8 bytes, counted from its start; some writers leave that
  /// out at the very end.
  mutating func align() throws(RecurraError) { try skip(min(remaining, (8 - consumed % 8) % 8)) }

  /// Reads a whole number of up to 8 bytes.
  mutating func bits(_ width: Int) throws(RecurraError) -> UInt64 {
    try take(width).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// Reads one byte.
  mutating func byte() throws(RecurraError) -> UInt8 { UInt8(truncatingIfNeeded: try bits(1)) }

  /// Reads a number of things, an extent or a size.
  mutating func count(_ width: Int = 8) throws(RecurraError) -> Int {
    let bits = try bits(width)
    guard let count = Int(exactly: bits) else { throw damaged(expected: "a size", got: "\(bits)") }
    return count
  }

  /// Reads an address; nil for one that is not defined.
  mutating func address() throws(RecurraError) -> Int? {
    let bits = try bits(8)
    guard bits != .max else { return nil }
    guard let address = Int(exactly: bits) else {
      throw damaged(expected: "an address within \(file.byteCount) bytes", got: "\(bits)")
    }
    return address
  }

  /// Reads an address that must be defined.
  mutating func definedAddress() throws(RecurraError) -> Int {
    guard let address = try address() else { throw damaged(expected: "an address", got: "none") }
    return address
  }

  /// Reads bytes that must have these values.
  mutating func expect(_ signature: String) throws(RecurraError) {
    let found = try take(signature.utf8.count)
    guard found.elementsEqual(signature.utf8) else {
      throw damaged(expected: signature, got: String(decoding: found, as: UTF8.self).excerpt)
    }
  }

  /// Reads a version number that must be this one.
  mutating func expectVersion(_ version: UInt8) throws(RecurraError) {
    let found = try byte()
    guard found == version else { throw damaged(expected: "version \(version)", got: "\(found)") }
  }

  /// An error about this structure.
  func damaged(expected: String, got: String) -> RecurraError {
    file.damaged(expected: "\(place): \(expected)", got: got)
  }
}
