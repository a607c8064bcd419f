import Foundation
import RecurraFormats
import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

@Suite struct PyTorchFileTests {
  private func read(_ bytes: [UInt8]) throws -> ModelDescription {
    let file = InputFile(bytes, operation: "read test.pt")
    return try PyTorchFormat().read(FileContents(file, path: "test.pt"), ReadingOptions())
  }

  private func refusal(_ pickle: PickleText, records: [(name: String, bytes: [UInt8])] = []) -> RecurraError? {
    do {
      _ = try read(pickle.archive(records: records))
      return nil
    } catch {
      return error as? RecurraError
    }
  }

  private static let formats: [ElementFormat] = [
    .float64, .float32, .float16, .bfloat16, .int64, .int32, .int16, .int8, .uint8, .bool,
  ]

  @Test(arguments: ["torch_state.pt", "torch_legacy.pt"])
  func everyTensorIsReadWhereverItLies(file: String) throws {
    let description = try ModelFormats.read(Fixture.path("formats/\(file)"))
    func floats(_ name: String) throws -> [Float] {
      try NumPyArchiveTests.floats(description.tensors["model.net.\(name)"])
    }
    for format in Self.formats {
      let stored = try #require(description.tensors["model.net.\(format.rawValue)"])
      #expect(stored.format == format && stored.shape == [2, 3])
      #expect(try floats(format.rawValue) == (0..<6).map { NumPyArchiveTests.value(format, $0) }, "\(format)")
    }
    let base = (0..<24).map { Float($0) / 4 - 1 }
    #expect(try floats("transposed") == (0..<6).flatMap { row in (0..<4).map { base[$0 * 6 + row] } })
    #expect(description.tensors["model.net.transposed"]?.shape == [6, 4])
    #expect(try floats("part") == [5, 8, 11, 14, 17].map { base[$0] })
    #expect(try floats("expanded") == [Float](repeating: base[2], count: 6))
    #expect(try floats("scalar") == [2.5] && description.tensors["model.net.empty"]?.shape == [0, 3])
    #expect(try floats("parameter") == Array(base[..<6]))
    if file == "torch_state.pt" {
      #expect(try NumPyArchiveTests.floats(description.tensors["list.1.0"]) == [base[2]])
      #expect(description.metadata["epoch"] == "7" && description.metadata["note"] == "a b")
    }
  }

  @Test func whatIsWrittenIsReadWithTheSameTypes() throws {
    let path = FileManager.default.temporaryDirectory.path + "/recurra-\(UUID().uuidString).pt"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let description = try ModelFormats.read(Fixture.path("formats/torch_state.pt"))
    try ModelFormats.write(description, to: path)
    #expect(try ModelFormats.read(path).tensors == description.tensors)
  }

  @Test(arguments: [("torch_module.pt", "state_dict()"), ("torch_script.pt", "torch.jit.load(path).state_dict()")])
  func codeIsRefusedWithWhatToDoInstead(file: String, sentence: String) {
    do {
      _ = try ModelFormats.read(Fixture.path("formats/\(file)"))
      Issue.record("\(file) was read")
    } catch {
      #expect("\(error)".contains(sentence), "\(error)")
    }
  }

  @Test(arguments: ["os\nsystem", "posix\nsystem", "builtins\neval", "__main__\nNet", "torch\nload"])
  func namesThatCallCodeAreRefused(name: String) {
    var pickle = PickleText()
    pickle.code("c\(name)\n")
    pickle.text("true")
    pickle.raw([0x85])
    pickle.code("R")
    #expect(refusal(pickle)?.got.contains(name.replacingOccurrences(of: "\n", with: ".")) == true)
  }

  @Test func aListInItselfIsRefused() {
    var pickle = PickleText()
    pickle.code("]q\0h\0a")
    #expect(refusal(pickle)?.expected.contains("hold themselves") == true)
  }

  @Test func deepNestingIsRefused() {
    var pickle = PickleText()
    pickle.code("]")
    for _ in 0..<200_000 { pickle.raw([0x85]) }
    #expect(refusal(pickle)?.expected.contains("nested") == true)
  }

  @Test func listsThatHoldEachOtherManyTimesAreRefused() {
    var pickle = PickleText()
    pickle.code("]q\0")
    for level in 1..<40 {
      pickle.code("](")
      for _ in 0..<8 { pickle.raw([UInt8(ascii: "h"), UInt8(level - 1)]) }
      pickle.raw([UInt8(ascii: "e"), UInt8(ascii: "q"), UInt8(level)])
    }
    #expect(refusal(pickle)?.expected.contains("as often as it is held") == true)
  }

  @Test func millionsOfValuesAreRefused() {
    var pickle = PickleText()
    pickle.raw([UInt8](repeating: UInt8(ascii: "N"), count: 2 << 20))
    #expect(refusal(pickle)?.got == "more")
  }

  private static let record = (name: "a/data/0", bytes: [UInt8](repeating: 0, count: 24))

  @Test(arguments: [
    (6, 0, [2, 4], [3, 1]), (6, 1, [2, 3], [3, 1]), (6, 0, [2, 3], [-3, 1]), (6, -1, [2, 3], [3, 1]),
    (6, 0, [2, 3], [1]), (7, 0, [2, 3], [3, 1]), (1 << 62, 0, [2, 3], [3, 1]), (6, 0, [1 << 40, 1 << 40], [0, 0]),
    (6, 0, [2, 3], [Int.max, 1]), (6, Int.max, [1], [1]), (6, 0, [-2, 3], [3, 1]), (6, 0, [1 << 30], [0]),
  ])
  func tensorsOutsideTheirStorageAreRefused(count: Int, offset: Int, shape: [Int], strides: [Int]) {
    var pickle = PickleText()
    pickle.tensor(count: count, offset: offset, shape: shape, strides: strides)
    #expect(refusal(pickle, records: [Self.record])?.kind == .badFile)
  }

  @Test func aTensorWithinItsStorageIsRead() throws {
    var pickle = PickleText()
    pickle.tensor(count: 6, offset: 2, shape: [2, 2], strides: [1, 2])
    let bytes = StoredTensor(Tensor([0, 1, 2, 3, 4, 5] as [Float])).bytes
    let read = try read(pickle.archive(records: [("a/data/0", bytes)]))
    #expect(try NumPyArchiveTests.floats(read.tensors["tensor"]) == [2, 4, 3, 5])
    let swapped = StridedBytes.swapped(bytes)
    let big = try self.read(pickle.archive(records: [("a/byteorder", Array("big".utf8)), ("a/data/0", swapped)]))
    #expect(big.tensors == read.tensors)
  }

  @Test(arguments: ["torch_state.pt", "torch_legacy.pt"])
  func damageIsAnError(file: String) throws {
    let input = try InputFile(Fixture.path("formats/\(file)"))
    let refused = try Corruption.check(try input.bytes(0..<input.byteCount)) { file in
      _ = try PyTorchFormat().read(FileContents(file, path: "damaged"), ReadingOptions())
    }
    #expect(refused.cuts == input.byteCount)
  }
}

/// Numbers of four bytes with the highest byte first.
private enum StridedBytes {
  static func swapped(_ bytes: [UInt8]) -> [UInt8] {
    stride(from: 0, to: bytes.count, by: 4).flatMap { bytes[$0..<($0 + 4)].reversed() }
  }
}
