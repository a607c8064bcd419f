/// Paths of files as texts that keep every byte.
///
/// A path is bytes, and need not be UTF-8. A byte that is part of no character stands in the text as the scalar
/// U+10FF00 + byte, at the end of the planes for private use, and becomes that byte again on its way to the system.
///
/// - Source: the idea is Python's `surrogateescape` (PEP 383); Swift's texts have no surrogates.
package enum PathText {
  private static let escapes: ClosedRange<UInt32> = 0x10FF80...0x10FFFF

  /// The text of a path.
  package static func text(_ path: some Sequence<UInt8>) -> String {
    let bytes = Array(path)
    var text = ""
    var position = 0
    while position < bytes.count {
      let character = (1...4).lazy.filter { position + $0 <= bytes.count }.compactMap { count in
        String(validating: bytes[position..<position + count], as: UTF8.self)
      }.first
      if let scalar = character?.unicodeScalars.first, !escapes.contains(scalar.value) {
        text.unicodeScalars.append(scalar)
        position += UTF8.width(scalar)
      } else {
        // Always a scalar: a byte below 0x80 is a character of its own.
        if let escape = Unicode.Scalar(0x10FF00 + UInt32(bytes[position])) { text.unicodeScalars.append(escape) }
        position += 1
      }
    }
    return text
  }

  /// The bytes of a path.
  package static func bytes(_ text: String) -> [UInt8] {
    guard text.utf8.contains(0xF4) else { return Array(text.utf8) }
    return text.unicodeScalars.flatMap { scalar in
      escapes.contains(scalar.value) ? [UInt8(scalar.value & 0xFF)] : Array(String(scalar).utf8)
    }
  }

  /// The bytes of a path as the system takes them.
  package static func system(_ text: String) -> [CChar] { bytes(text).map { CChar(bitPattern: $0) } + [0] }
}
