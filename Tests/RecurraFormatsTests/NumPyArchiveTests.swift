import Foundation
import RecurraFormats
import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

@Suite struct NumPyArchiveTests {
  private static let formats: [ElementFormat] = [
    .bool, .uint8, .int8, .uint16, .int16, .float16, .uint32, .int32, .float32, .uint64, .int64, .float64,
  ]

  /// Element i: i / 4 - 1 of a floating type, 3 i - 2 of a signed and 3 i of an unsigned one, i % 3 == 1.
  static func value(_ format: ElementFormat, _ index: Int) -> Float {
    switch format {
    case .float16, .bfloat16, .float32, .float64: Float(index) / 4 - 1
    case .bool: index % 3 == 1 ? 1 : 0
    case .uint8, .uint16, .uint32, .uint64: Float(3 * index)
    default: Float(3 * index - 2)
    }
  }

  static func floats(_ stored: StoredTensor?) throws -> [Float] {
    let tensor = try #require(stored).tensor(named: "x", in: "test")
    switch tensor.dtype {
    case .float64: return tensor.scalars(as: Double.self).map { Float($0) }
    case .int32: return tensor.scalars(as: Int32.self).map { Float($0) }
    default: return tensor.scalars(as: Float.self)
    }
  }

  @Test func everyTypeOfNumPyIsReadAsItIs() throws {
    let description = try ModelFormats.read(Fixture.path("formats/numpy_stored.npz"))
    for format in Self.formats {
      let stored = try #require(description.tensors[format.rawValue])
      #expect(stored.format == format && stored.shape == [2, 3])
      #expect(try Self.floats(stored) == (0..<6).map { Self.value(format, $0) }, "\(format)")
    }
    #expect(try Self.floats(description.tensors["big"]) == (0..<6).map { Self.value(.float32, $0) })
    let fortran = try #require(description.tensors["fortran"])
    #expect(fortran.shape == [2, 3, 4])
    #expect(try Self.floats(fortran) == (0..<24).map { Self.value(.float64, $0) })
    #expect(description.tensors["scalar"]?.shape == [] && description.tensors["empty"]?.shape == [0, 3])
    #expect(description.tensors["folder/name"]?.count == 5)
  }

  @Test func deflatedArraysAreRead() throws {
    let description = try ModelFormats.read(Fixture.path("formats/numpy_deflated.npz"))
    #expect(try Self.floats(description.tensors["a"]) == (0..<60).map { Self.value(.float32, $0) })
    #expect(try Self.floats(description.tensors["b"]) == (0..<4).map { Self.value(.int64, $0) })
  }

  @Test func whatIsWrittenIsReadWithTheSameTypes() throws {
    let path = FileManager.default.temporaryDirectory.path + "/recurra-\(UUID().uuidString).npz"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let description = try ModelFormats.read(Fixture.path("formats/numpy_stored.npz"))
    try ModelFormats.write(description, to: path)
    #expect(try ModelFormats.read(path).tensors == description.tensors)
  }

  @Test func bfloat16BecomesFloat32() throws {
    let path = FileManager.default.temporaryDirectory.path + "/recurra-\(UUID().uuidString).npz"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try ModelFormats.write(
      ModelDescription(tensors: ["x": StoredTensor(.bfloat16, shape: [2], bytes: [0x80, 0x3F, 0x20, 0xC0])]), to: path)
    let read = try #require(ModelFormats.read(path).tensors["x"])
    #expect(read.format == .float32)
    #expect(try Self.floats(read) == [1, -2.5])
  }

  @Test(arguments: ["numpy_stored.npz", "numpy_deflated.npz"])
  func damageIsAnError(file: String) throws {
    let input = try InputFile(Fixture.path("formats/\(file)"))
    let bytes = try input.bytes(0..<input.byteCount)
    let format = NumPyArchiveFormat()
    let refused = try Corruption.check(bytes) { file in
      let contents = try FileContents(file, path: "damaged.npz")
      _ = try format.read(contents, ReadingOptions())
    }
    #expect(refused.cuts >= bytes.count - 4)
  }
}
