import RecurraFormats
import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

@Suite struct HDF5DamageTests {
  @Test func everyCutIsRefusedAndNoFlipTraps() throws {
    let bytes = try HDF5File.bytes("small.h5")
    let refused = try Corruption.check(bytes) { try HDF5File.readWhole($0) }
    #expect(refused.cuts == bytes.count && refused.flips > 150, "\(refused)")
    var root = HDF5Group()
    root.attributes["name"] = .text("damaged")
    root.add(HDF5Dataset(StoredTensor(Tensor([1, 2, 3] as [Float]))), at: ["layers", "dense", "vars", "0"])
    let own = try HDF5Writer.bytes(of: root)
    #expect(try Corruption.check(own) { try HDF5File.readWhole($0) }.cuts == own.count)
  }

  @Test func noFlipInALargeFileTraps() throws {
    let bytes = try HDF5File.bytes("hdf5.h5")
    let random = RandomSource(seed: 5)
    for flip in 0..<1_000 {
      var damaged = bytes
      let words = random.block(UInt64(flip))
      damaged[Int(words.0) % bytes.count] = UInt8(truncatingIfNeeded: words.1)
      do { try HDF5File.readWhole(InputFile(damaged, operation: "read damaged")) } catch is RecurraError {}
    }
  }

  @Test func aGroupThatLiesInItselfIsRefused() throws {
    var root = HDF5Group()
    root.members["inner"] = .group(HDF5Group())
    var bytes = try HDF5Writer.bytes(of: root)
    // The symbol table node has one entry: the offset of a name, then the group's address.
    let node = try #require(bytes.indices.first { bytes[$0...].starts(with: "SNOD\u{1}\0\u{1}\0".utf8) })
    for byte in 0..<8 { bytes[node + 16 + byte] = bytes[64 + byte] }
    let error = try #require(throws: RecurraError.self) {
      _ = try HDF5File.read(InputFile(bytes, operation: "read circle"))
    }
    #expect(error.kind == .badFile && error.got.contains("again"), "\(error)")
  }

  @Test func sizesAreComparedBeforeMemoryIsTaken() throws {
    var root = HDF5Group()
    root.members["x"] = .dataset(HDF5Dataset(StoredTensor(Tensor([1, 2, 3, 4, 5, 6, 7] as [Float]))))
    let bytes = try HDF5Writer.bytes(of: root)
    // The dataspace: version 1, one axis, then its extent.
    let space = try #require(bytes.indices.first { bytes[$0...].starts(with: [1, 1, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0]) })
    for extent in [UInt64(8), 1 << 20, 1 << 40, 1 << 60, 1 << 62, 1 << 63, .max] {
      var damaged = bytes
      for byte in 0..<8 { damaged[space + 8 + byte] = UInt8(truncatingIfNeeded: extent >> (8 * UInt64(byte))) }
      let error = try #require(throws: RecurraError.self) {
        try HDF5File.readWhole(InputFile(damaged, operation: "read large"))
      }
      #expect(error.kind == .badFile, "\(extent): \(error)")
    }
  }

  @Test func groupsWithinGroupsHaveALimit() throws {
    func nested(_ depth: Int) throws -> HDF5Group {
      var root = HDF5Group()
      root.add(HDF5Dataset(StoredTensor(Tensor(1, dtype: .float32))), at: (0..<depth).map { _ in "g" } + ["x"])
      return try HDF5File.read(InputFile(try HDF5Writer.bytes(of: root), operation: "read deep"))
    }
    #expect(try nested(63).datasets().count == 1)
    let error = try #require(throws: RecurraError.self) { _ = try nested(64) }
    #expect(error.expected.contains("64"))
  }
}
