/// Bytes of an HDF5 file that is being written, which are little-endian.
struct HDF5Bytes {
  private(set) var bytes: [UInt8] = []

  /// The address of what is added next.
  var end: Int { bytes.count }

  /// Adds bytes.
  mutating func add(_ more: some Sequence<UInt8>) { bytes += more }

  /// Adds a text without anything around it.
  mutating func add(_ text: String) { bytes += text.utf8 }

  /// Adds a whole number of some bytes.
  mutating func add(_ value: Int, _ width: Int) {
    for byte in 0..<width { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * byte))) }
  }

  /// Adds an address; one that is not defined is all ones.
  mutating func add(address: Int?) { add(address ?? -1, 8) }

  /// Adds zeros up to a multiple of 8 bytes.
  mutating func align() { bytes += [UInt8](repeating: 0, count: (8 - end % 8) % 8) }

  /// Puts an address where zeros have been until now.
  mutating func put(address: Int, at place: Int) {
    for byte in 0..<8 { bytes[place + byte] = UInt8(truncatingIfNeeded: address >> (8 * byte)) }
  }
}
