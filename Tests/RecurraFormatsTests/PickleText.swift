import RecurraFormats

/// Pickles in the making, an instruction at a time.
struct PickleText {
  private(set) var bytes: [UInt8] = [0x80, 2]

  /// The pickle with its end, inside the archive that `torch.save` makes.
  func archive(records: [(name: String, bytes: [UInt8])] = []) -> [UInt8] {
    ZipArchive.bytes(of: [("a/data.pkl", bytes + Array(".".utf8))] + records)
  }

  mutating func code(_ text: String) { bytes += Array(text.utf8) }
  mutating func raw(_ raw: [UInt8]) { bytes += raw }
  mutating func text(_ text: String) { bytes += [0x8C, UInt8(text.utf8.count)] + Array(text.utf8) }
  mutating func number(_ number: Int) {
    bytes += [0x8A, 8] + (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
  }
  mutating func tuple(_ numbers: [Int]) {
    code("(")
    for value in numbers { number(value) }
    code("t")
  }

  /// A tensor of float32 in the record "a/data/KEY".
  mutating func tensor(key: String = "0", count: Int, offset: Int = 0, shape: [Int], strides: [Int]) {
    code("ctorch._utils\n_rebuild_tensor_v2\n((")
    text("storage")
    code("ctorch\nFloatStorage\n")
    text(key)
    text("cpu")
    number(count)
    code("tQ")
    number(offset)
    tuple(shape)
    tuple(strides)
    raw([0x89])
    code("NtR")
  }
}
