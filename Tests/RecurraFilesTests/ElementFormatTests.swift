import RecurraLayers
import RecurraTensor
import Testing

/// Integers at the edges of int32: what fits is exact, what does not is refused with its element.
@Suite struct ElementFormatTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func numPy(_ type: String, _ values: [[UInt8]]) throws -> Tensor {
    let header = Array("{'descr': '\(type)', 'fortran_order': False, 'shape': (\(values.count),), }\n".utf8)
    let path = try folder.add(
      "x.npy", [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.count), 0] + header + values.joined())
    return try Tensor(contentsOfNumPy: path)
  }

  private func safeTensors(_ type: String, _ values: [[UInt8]]) throws -> Tensor? {
    let data = Array(values.joined())
    let header = Array(
      "{\"x\":{\"dtype\":\"\(type)\",\"shape\":[\(values.count)],\"data_offsets\":[0,\(data.count)]}}".utf8)
    let size = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
    return try SafeTensors(contentsOf: folder.add("x.safetensors", size + header + data)).tensors["x"]
  }

  private static func bytes<Number: FixedWidthInteger>(_ number: Number, bigEndian: Bool = false) -> [UInt8] {
    let count = Number.bitWidth / 8
    return (0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * (bigEndian ? count - 1 - $0 : $0))) }
  }

  private static let largest = Int64(Int32.max)

  @Test(arguments: [
    ("u4", "U32", [bytes(UInt32(7)), bytes(UInt32(largest))], [7, Int32.max]),
    ("u8", "U64", [bytes(UInt64(7)), bytes(UInt64(largest))], [7, .max]),
    ("i8", "I64", [bytes(largest), bytes(-largest - 1)], [.max, .min]),
    ("i4", "I32", [bytes(Int32.max), bytes(Int32.min)], [.max, .min]),
    ("u2", "U16", [bytes(UInt16.max), bytes(UInt16(0))], [65_535, 0]),
    ("i2", "I16", [bytes(Int16.max), bytes(Int16.min)], [32_767, -32_768]),
    ("u1", "U8", [[255], [128]], [255, 128]), ("i1", "I8", [[127], [128]], [127, -128]),
  ]) func integersThatFitAreExact(_ code: String, _ name: String, _ values: [[UInt8]], _ wanted: [Int32]) throws {
    #expect(try numPy("<\(code)", values).scalars(as: Int32.self) == wanted)
    #expect(try numPy(">\(code)", values.map { $0.reversed() }).scalars(as: Int32.self) == wanted)
    #expect(try safeTensors(name, values)?.scalars(as: Int32.self) == wanted)
  }

  @Test(arguments: [
    ("u4", "U32", bytes(UInt32(1) << 31), "2147483648"), ("u4", "U32", bytes(UInt32.max), "4294967295"),
    ("u8", "U64", bytes(UInt64(1) << 31), "2147483648"), ("u8", "U64", bytes(UInt64.max), "\(UInt64.max)"),
    ("i8", "I64", bytes(largest + 1), "2147483648"), ("i8", "I64", bytes(-largest - 2), "-2147483649"),
    ("i8", "I64", bytes(Int64.min), "\(Int64.min)"),
  ]) func integersThatDoNotFitAreNamed(_ code: String, _ name: String, _ value: [UInt8], _ text: String) {
    let zero = [UInt8](repeating: 0, count: value.count)
    expectError(.badFile, "an integer within int32 at element 1", "got \(text)") {
      _ = try numPy("<\(code)", [zero, value])
    }
    expectError(.badFile, "an integer within int32 at element 1", "got \(text)") {
      _ = try numPy(">\(code)", [zero, value.reversed()])
    }
    expectError(.badFile, "an integer within int32 at element 1 of tensor \"x\"", "got \(text)") {
      _ = try safeTensors(name, [zero, value])
    }
  }
}
