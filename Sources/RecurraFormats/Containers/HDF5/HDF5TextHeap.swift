/// The texts of a file that is being written: they lie in global heaps, which are written last.
struct HDF5TextHeap {
  /// The library reads this much at once, so a heap may not be smaller.
  private static let smallest = 4_096
  /// Numbers of texts have 16 bits.
  private static let mostTexts = 60_000

  private var heaps: [[[UInt8]]] = []
  /// Where the file still needs the address of a heap.
  private var references: [(place: Int, heap: Int)] = []

  /// Adds a text, and to the file what refers to it: its length, the heap's address, its number.
  mutating func add(_ text: String, to file: inout HDF5Bytes) {
    file.add(text.utf8.count, 4)
    guard !text.isEmpty else { return file.add([UInt8](repeating: 0, count: 12)) }
    if heaps.isEmpty || heaps[heaps.count - 1].count == Self.mostTexts { heaps.append([]) }
    heaps[heaps.count - 1].append(Array(text.utf8))
    references.append((file.end, heaps.count - 1))
    file.add(address: 0)
    file.add(heaps[heaps.count - 1].count, 4)
  }

  /// Writes all heaps, and their addresses to where they are needed.
  func write(to file: inout HDF5Bytes) {
    var addresses: [Int] = []
    for texts in heaps {
      file.align()
      addresses.append(file.end)
      let used = texts.reduce(16) { $0 + 16 + ($1.count + 7) / 8 * 8 }
      // The free rest is an object as well, of number 0, and its own size counts.
      let byteCount = max(Self.smallest, used + 16)
      file.add("GCOL")
      file.add(1, 4)
      file.add(byteCount, 8)
      for (index, text) in texts.enumerated() {
        file.add(index + 1, 2)
        file.add(1, 2)
        file.add(0, 4)
        file.add(text.count, 8)
        file.add(text)
        file.align()
      }
      file.add(0, 8)
      file.add(byteCount - used, 8)
      file.add([UInt8](repeating: 0, count: byteCount - used - 16))
    }
    for (place, heap) in references { file.put(address: addresses[heap], at: place) }
  }
}
