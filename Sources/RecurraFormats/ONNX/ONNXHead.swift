/// The beginning of a file as protobuf's fields, as far as it is there.
struct ONNXHead {
  /// Tells whether these are the fields of a model: some of it, and nothing that a model has not.
  let isModel: Bool

  /// The fields of a model and how each is written: 0 for a number, 2 for bytes of some length.
  private static let fields: [Int: Int] = [1: 0, 2: 2, 3: 2, 4: 2, 5: 0, 6: 2, 7: 2, 8: 2, 14: 2, 20: 2, 25: 2, 26: 2]

  init(_ head: [UInt8], byteCount: Int) {
    var (reader, seen) = (VarintReader(head, 0..<head.count), Set<Int>())
    var version: UInt64?
    while !reader.isAtEnd {
      guard let key = reader.next() else { break }
      let (field, kind) = (Int(key >> 3), Int(key & 7))
      guard Self.fields[field] == kind else {
        isModel = false
        return
      }
      seen.insert(field)
      guard let number = reader.next() else { break }
      if kind == 0 {
        if field == 1 { version = number }
        continue
      }
      // What is longer than the file is a damaged model all the same, where its version came first.
      guard let length = Int(exactly: number), length <= byteCount - reader.position else { break }
      reader.position += length
    }
    // Older writers begin with the graph; a version of the format is a small number.
    isModel = version.map { $0 >= 1 && $0 < 256 } ?? (seen.contains(7) && seen.contains(8))
  }
}
