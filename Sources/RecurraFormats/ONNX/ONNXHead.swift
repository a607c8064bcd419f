/// The beginning of a file as protobuf's fields, as far as it is there.
struct ONNXHead {
  /// Tells whether these are the fields of a model: some of it, and nothing that a model has not.
  let isModel: Bool

  /// The fields of a model and how each is written: 0 for a number, 2 for bytes of some length.
  private static let fields: [Int: Int] = [1: 0, 2: 2, 3: 2, 4: 2, 5: 0, 6: 2, 7: 2, 8: 2, 14: 2, 20: 2, 25: 2, 26: 2]

  init(_ head: [UInt8], byteCount: Int) {
    var (position, seen) = (0, Set<Int>())
    func varint() -> UInt64? {
      var (value, shift) = (UInt64(0), UInt64(0))
      while position < head.count, shift < 64 {
        let byte = head[position]
        position += 1
        value |= UInt64(byte & 0x7F) << shift
        if byte & 0x80 == 0 { return value }
        shift += 7
      }
      return nil
    }
    var version: UInt64?
    while position < head.count {
      guard let key = varint() else { break }
      let (field, kind) = (Int(key >> 3), Int(key & 7))
      guard Self.fields[field] == kind else {
        isModel = false
        return
      }
      seen.insert(field)
      guard let number = varint() else { break }
      if kind == 0 {
        if field == 1 { version = number }
        continue
      }
      // What is longer than the file is a damaged model all the same, where its version came first.
      guard let length = Int(exactly: number), length <= byteCount - position else { break }
      position += length
    }
    // Older writers begin with the graph; a version of the format is a small number.
    isModel = version.map { $0 >= 1 && $0 < 256 } ?? (seen.contains(7) && seen.contains(8))
  }
}
