internal import RecurraTensor

/// The bytes of a pickle, read from the start on.
struct PickleInput {
  let bytes: [UInt8]
  /// Names the pickle in errors.
  let operation: String
  private(set) var position: Int

  init(_ bytes: [UInt8], operation: String, position: Int = 0) {
    (self.bytes, self.operation, self.position) = (bytes, operation, position)
  }

  mutating func byte() throws(RecurraError) -> UInt8 {
    guard position < bytes.count else { throw damaged("a further byte", "the end") }
    defer { position += 1 }
    return bytes[position]
  }

  /// A whole number without a sign.
  mutating func number(_ count: Int) throws(RecurraError) -> Int {
    guard let value = bytes.littleEndian(at: position, count: count), let number = Int(exactly: value) else {
      throw damaged("a length of \(count) bytes", "another")
    }
    position += count
    return number
  }

  mutating func take(_ count: Int) throws(RecurraError) -> ArraySlice<UInt8> {
    guard count >= 0, bytes.count - position >= count else {
      throw damaged("\(count) further bytes", "\(bytes.count - position)")
    }
    defer { position += count }
    return bytes[position..<(position + count)]
  }

  mutating func text(_ count: Int) throws(RecurraError) -> String {
    guard let text = String(validating: try take(count), as: UTF8.self) else {
      throw damaged("a text in UTF-8", "other bytes")
    }
    return text
  }

  /// The bytes before the next line feed.
  mutating func line() throws(RecurraError) -> String {
    // No name that is allowed is longer.
    let limit = min(bytes.count, position + 256)
    guard let end = bytes[position..<limit].firstIndex(of: UInt8(ascii: "\n")) else {
      throw damaged("a name and the end of its line", "neither within 256 bytes")
    }
    defer { position = end + 1 }
    guard let line = String(validating: bytes[position..<end], as: UTF8.self) else {
      throw damaged("a name in UTF-8", "other bytes")
    }
    return line
  }

  /// An error about what stands here.
  func damaged(_ expected: String, _ got: String) -> RecurraError {
    RecurraError(.badFile, operation: operation, expected: "\(expected) at byte \(position) of the pickle", got: got)
  }
}
