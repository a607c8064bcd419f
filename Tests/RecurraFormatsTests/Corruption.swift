import RecurraLayers
import RecurraTensor
import Testing

/// Damages a small file in every way that tests ask of a reader.
enum Corruption {
  /// Reads a file cut at every byte, and with each of `flips` seeded bits turned round: an error of Recurra's, or
  /// another content; whatever else happens ends the process.
  ///
  /// - Returns: How many of the cuts and flips were refused.
  @discardableResult
  static func check(_ bytes: [UInt8], flips: Int = 5_000, _ read: (InputFile) throws -> Void) throws -> (
    cuts: Int, flips: Int
  ) {
    func isRefused(_ bytes: [UInt8]) throws -> Bool {
      do {
        try read(InputFile(bytes, operation: "read damaged"))
        return false
      } catch let error as RecurraError {
        #expect(error.operation.contains("damaged"), "\(error)")
        return true
      }
    }
    var cuts = 0
    for count in 0..<bytes.count where try isRefused(Array(bytes[..<count])) { cuts += 1 }
    let random = RandomSource(seed: 7)
    var refused = 0
    for flip in 0..<flips {
      var damaged = bytes
      let words = random.block(UInt64(flip))
      damaged[Int(words.0) % bytes.count] ^= 1 << UInt8(words.1 % 8)
      if try isRefused(damaged) { refused += 1 }
    }
    return (cuts, refused)
  }
}
