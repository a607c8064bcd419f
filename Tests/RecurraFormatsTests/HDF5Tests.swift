import RecurraFormats
import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

@Suite struct HDF5Tests {
  @Test func everyTypeOfNumberIsRead() throws {
    let root = try HDF5File.fixture("hdf5.h5")
    for type in [
      "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float32", "float64",
    ] {
      let stored = try root.tensor("types/\(type)")
      #expect(stored.elementType == type && stored.shape == [2, 3])
      #expect(try root.numbers("types/\(type)") == [0, 3, 6, 9, 12, 15], "\(type)")
    }
    for (type, name) in [(">f4", "float32"), (">i2", "int16")] {
      #expect(try root.tensor("types/\(type)").elementType == name)
      #expect(try root.numbers("types/\(type)") == [0, 3, 6, 9, 12, 15], "big-endian \(name)")
    }
    #expect(try root.tensor("types/bool").elementType == "bool")
    #expect(try root.numbers("types/bool") == [1, 0, 1])
    #expect(try root.tensor("types/bfloat16").elementType == "bfloat16")
    #expect(try root.numbers("types/bfloat16") == [1.5, -2, 0.25])
  }

  @Test func dataAreReadWhereverTheyLie() throws {
    let root = try HDF5File.fixture("hdf5.h5")
    #expect(try root.tensor("scalar").shape == [])
    #expect(try root.numbers("scalar") == [2.5])
    #expect(try root.tensor("empty").shape == [0, 3])
    #expect(try root.numbers("unwritten") == [7, 7, 7, 7], "the fill value stands where nothing was written")
    #expect(try root.numbers("compact") == [4, 5, 6])
    for name in ["chunked", "shuffled", "deflated"] {
      #expect(try root.numbers(name) == (0..<70).map(Double.init), "\(name)")
    }
    let noise = try root.numbers("noise")
    #expect(noise.count == 810 && Set(noise).count > 800 && noise.allSatisfy { abs($0) < 5 })
  }

  @Test func attributesAreRead() throws {
    let attributes = try HDF5File.fixture("hdf5.h5").attributes
    #expect(attributes["text"] == .text("héé") && attributes["bytes"] == .text("abc"))
    #expect(attributes["empty"] == .text(""))
    #expect(attributes["none"]?.texts == [])
    #expect(attributes["texts"] == .texts(["a", "bcdé"]) && attributes["fixed"] == .texts(["a", "bcd"]))
    #expect(attributes["number"] == .numbers(StoredTensor(Tensor(1.5, dtype: .float32))))
    guard case .numbers(let numbers)? = attributes["numbers"] else { throw Failure.missing }
    #expect(try numbers.tensor(named: "x", in: "test").scalars(as: Int32.self) == [0, 1, 2])
  }

  @Test func groupsOfAnySizeAndDepthAreRead() throws {
    let root = try HDF5File.fixture("hdf5.h5")
    for count in [1, 8, 9, 100, 300] {
      let group = try #require(try root.group("counts/\(count)"))
      #expect(Set(group.members.map(\.name)) == Set((0..<count).map(String.init)), "\(count)")
    }
    let path = (0..<20).map { "deep\($0)" }.joined(separator: "/")
    #expect(try root.numbers("\(path)/end") == [20])
    let attributes = try #require(try root.group(path)).attributes
    #expect(attributes.count == 40 && attributes["attribute 39"] == .text(String(repeating: "x", count: 39)))
    #expect(try root.group("counts/2") == nil && root.dataset("counts/8/8") == nil)
  }

  @Test func whatIsNotFollowedIsRefusedByItsName() throws {
    let root = try HDF5File.fixture("refused.h5")
    #expect(try root.numbers("good") == [1])
    for (name, reason) in [
      ("soft", "a soft link"), ("links/external", "an external link"), ("outside", "external storage"),
      ("virtual", "a virtual dataset"), ("lzf", "filter lzf"), ("checked", "filter fletcher32"),
      ("compound", "a compound type"), ("reference", "a type of references"), ("named", "a committed datatype"),
      ("texts", "texts"), ("null", "no value"), ("ordered/inside", "version 2"), ("huge", "bytes in all"),
    ] {
      let error = try #require(throws: RecurraError.self) { _ = try root.tensor(name) }
      #expect(error.kind == .badFile && error.got.contains(reason), "\(name): \(error)")
    }
  }

  @Test func whatIsWrittenIsReadAndTheSameBytesCome() throws {
    let root = try HDF5File.fixture("hdf5.h5")
    let bytes = try HDF5Writer.bytes(of: root)
    #expect(try HDF5Writer.bytes(of: root) == bytes)
    try HDF5File.leave(bytes, as: "hdf5.h5")
    let back = try HDF5File.read(InputFile(bytes, operation: "read back"))
    #expect(back.attributes == root.attributes)
    let (before, after) = (try root.datasets(), try back.datasets())
    #expect(before.map(\.path) == after.map(\.path) && before.count > 400)
    for (one, other) in zip(before, after) {
      #expect(try one.dataset.tensor(named: "a") == other.dataset.tensor(named: "b"), "\(one.path)")
      #expect(one.dataset.attributes == other.dataset.attributes)
    }
  }

  @Test(arguments: [0, 1, 8, 9, 100, 257, 1_000, 9_000])
  func groupsOfAnySizeAreWritten(count: Int) throws {
    var root = HDF5Group()
    for index in 0..<count { root.members["member \(index)"] = .group(HDF5Group()) }
    let bytes = try HDF5Writer.bytes(of: root)
    try HDF5File.leave(bytes, as: "members.\(count).h5")
    let back = try HDF5File.read(InputFile(bytes, operation: "read back"))
    #expect(back.members.names == root.members.names)
  }

  @Test func longTextsAreWritten() throws {
    var root = HDF5Group()
    root.attributes["long"] = .text(String(repeating: "é", count: 200_000))
    root.attributes["many"] = .texts((0..<3_000).map { "text \($0)" })
    let back = try HDF5File.read(InputFile(try HDF5Writer.bytes(of: root), operation: "read back"))
    #expect(back.attributes == root.attributes)
  }

  @Test func namesThatTheFormatCannotHoldAreRefused() throws {
    for name in ["", ".", "a/b", "a\0b"] {
      var root = HDF5Group()
      root.members[name] = .group(HDF5Group())
      let error = try #require(throws: RecurraError.self) { _ = try HDF5Writer.bytes(of: root) }
      #expect(error.kind == .badArgument)
    }
  }

  private enum Failure: Error { case missing }
}
