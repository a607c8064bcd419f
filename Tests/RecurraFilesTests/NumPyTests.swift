import RecurraLayers
import RecurraTensor
import Testing

@Suite struct NumPyTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func file(
    _ header: String, data: Int = 8, version: [UInt8] = [1, 0], length: Int? = nil, end: String = "\n"
  ) throws -> String {
    let text = Array((header + end).utf8)
    let count = length ?? text.count
    let size = (0..<(version[0] == 1 ? 2 : 4)).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) }
    return try folder.add(
      "x.npy", [0x93] + Array("NUMPY".utf8) + version + size + text + [UInt8](repeating: 1, count: data))
  }

  private func floats(_ count: Int) -> [Float] { (0..<count).map { Float($0) / 4 - 1 } }

  @Test(arguments: ["f4", "version2", "version3"]) func readsEveryVersion(_ name: String) throws {
    let tensor = try Tensor(contentsOfNumPy: fixture("\(name).npy"))
    #expect(tensor.shape == [3, 4])
    #expect(tensor.scalars(as: Float.self) == floats(12))
  }

  @Test(arguments: ["i1", "i2", "i8", "big_i2", "big_i4", "big_i8"]) func readsIntegersOfAnyWidthAndOrder(
    _ name: String
  ) throws {
    let tensor = try Tensor(contentsOfNumPy: fixture("\(name).npy"))
    #expect(tensor.shape == [3, 2])
    #expect(tensor.scalars(as: Int32.self) == [-2, 1, 4, 7, 10, 13])
  }

  @Test(arguments: ["u1", "u2", "u4", "u8"]) func readsUnsignedIntegers(_ name: String) throws {
    #expect(try Tensor(contentsOfNumPy: fixture("\(name).npy")).scalars(as: Int32.self) == [0, 3, 6, 9, 12, 15])
  }

  @Test(arguments: ["f2", "big_f4"]) func readsOtherFloats(_ name: String) throws {
    #expect(try Tensor(contentsOfNumPy: fixture("\(name).npy")).scalars(as: Float.self) == floats(6))
  }

  @Test func readsDoublesTruthValuesAndEmptyArrays() throws {
    #expect(try Tensor(contentsOfNumPy: fixture("big_f8.npy")).scalars(as: Double.self) == floats(6).map(Double.init))
    #expect(try Tensor(contentsOfNumPy: fixture("b1.npy")).scalars(as: Int32.self) == [0, 1, 0, 0, 1, 0, 0])
    #expect(try Tensor(contentsOfNumPy: fixture("scalar.npy")).item == -1)
    #expect(try Tensor(contentsOfNumPy: fixture("scalar.npy")).shape == [])
    #expect(try Tensor(contentsOfNumPy: fixture("empty.npy")).shape == [0, 3])
  }

  @Test func readsFortranOrder() throws {
    let tensor = try Tensor(contentsOfNumPy: fixture("fortran.npy"))
    #expect(tensor.shape == [2, 3, 4])
    #expect(tensor.scalars(as: Float.self) == floats(24))
  }

  @Test(arguments: ["f4", "f8", "i4", "scalar", "empty", "long"]) func writesTheBytesOfNumPy(_ name: String) throws {
    try Tensor(contentsOfNumPy: fixture("\(name).npy")).writeNumPy(to: folder("copy.npy"))
    #expect(try bytes(of: folder("copy.npy")) == bytes(of: fixture("\(name).npy")))
  }

  @Test(arguments: ["f4", "f8", "i8", "version2", "fortran", "b1"]) func everyTruncationThrows(_ name: String) throws {
    let whole = try bytes(of: fixture("\(name).npy"))
    try expectErrorForEveryTruncation(of: whole, in: folder) { _ = try Tensor(contentsOfNumPy: $0) }
  }

  @Test func whatFollowsTheFirstArrayIsLeftAlone() throws {
    let whole = try bytes(of: fixture("f4.npy"))
    for rest in [[0], try bytes(of: fixture("i8.npy")), whole] {
      let path = try folder.add("longer", whole + rest)
      let tensor = try Tensor(contentsOfNumPy: path)
      #expect(tensor.shape == [3, 4] && tensor.scalars(as: Float.self) == floats(12))
    }
  }

  @Test(arguments: [
    "|O", "<c8", "<U3", "<M8[s]", "<f16", "g", "<f3", "b2", "", "<", "<float32", ">bool", "f4 ", "<<f4", "F4", "<c",
    "S4", "V8", "u", "float_",
  ]) func refusesOtherTypes(_ type: String) throws {
    let path = try file("{'descr': '\(type)', 'fortran_order': False, 'shape': (2,), }")
    expectError(.badFile, "\"\(type)\"") { _ = try Tensor(contentsOfNumPy: path) }
  }

  /// Types as `numpy.dtype` takes them, by the bytes of an element; made with numpy 2.4.6.
  static let types: [(names: String, bytes: [UInt8], value: Double)] = [
    ("? b1 <? >b1 =b1 |? |b1 bool bool_", [1], 1), ("b i1 <b >i1 =i1 |i1 int8 byte", [0xFE], -2),
    ("B u1 <B >u1 =u1 |u1 uint8 ubyte", [0xFE], 254), ("h i2 <h <i2 =i2 |i2 int16 short", [0xFE, 0xFF], -2),
    ("H u2 <H <u2 uint16 ushort", [0xFE, 0xFF], 65534), (">h >i2", [0xFF, 0xFE], -2), (">H >u2", [0xFF, 0xFE], 65534),
    ("i i4 <i <i4 =i4 |i4 int32 intc", [0xFE, 0xFF, 0xFF, 0xFF], -2), (">i >i4", [0xFF, 0xFF, 0xFF, 0xFE], -2),
    ("I u4 <I <u4 uint32 uintc", [0xFE, 0xFF, 0xFF, 0x7F], 2_147_483_646),
    (">I >u4", [0x7F, 0xFF, 0xFF, 0xFE], 2_147_483_646),
    ("l q p n i8 <l <q <i8 int64 int int_ long longlong intp", [0xFE] + [UInt8](repeating: 0xFF, count: 7), -2),
    (">l >q >i8", [UInt8](repeating: 0xFF, count: 7) + [0xFE], -2),
    ("L Q P N u8 <L <u8 uint64 uint ulong ulonglong uintp", [0xFE, 0, 0, 0, 0, 0, 0, 0], 254),
    (">Q >u8", [0, 0, 0, 0, 0, 0, 0, 0xFE], 254), ("e f2 <e <f2 |f2 float16 half", [0, 0xC1], -2.5),
    (">e >f2", [0xC1, 0], -2.5), ("f f4 <f <f4 =f4 |f4 float32 single", [0, 0, 0x20, 0xC0], -2.5),
    (">f >f4", [0xC0, 0x20, 0, 0], -2.5), ("d f8 <d <f8 float64 double float", [0, 0, 0, 0, 0, 0, 4, 0xC0], -2.5),
    (">d >f8", [0xC0, 4, 0, 0, 0, 0, 0, 0], -2.5),
  ]

  @Test(arguments: types) func readsATypeInAllOfNumPysWords(_ names: String, _ bytes: [UInt8], _ value: Double) throws {
    for name in names.split(separator: " ") {
      let header = Array("{'descr': '\(name)', 'fortran_order': False, 'shape': (2,), }\n".utf8)
      let path = try folder.add(
        "x.npy", [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.count), 0] + header + bytes + bytes)
      let tensor = try Tensor(contentsOfNumPy: path).converted(to: .float64)
      #expect(tensor.scalars(as: Double.self) == [value, value], "\(name)")
    }
  }

  @Test(arguments: [
    "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }", "{'descr': '<f4', 'shape': (2,), }",
    "{'descr': '<f4', 'fortran_order': False, }", "{'descr': '<f4', 'fortran_order': 0, 'shape': (2,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': [2], }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2.0,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }",
    "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'more': 1}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), } 1",
    "{'descr': '<\\x664', 'fortran_order': False, 'shape': (2,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2,,), }", "__import__('os')", "", "{'shape': (,)}", "{,}",
  ]) func refusesOtherHeaders(_ header: String) throws {
    let path = try file(header)
    expectError(.badFile, "offset") { _ = try Tensor(contentsOfNumPy: path) }
  }

  @Test(arguments: [
    "{'descr':'<f4','fortran_order':False,'shape':(2,)}",
    "{\"shape\": (2L,), \"descr\": \"<f4\", \"fortran_order\": False}",
    "{ 'descr' : '<f4' , 'fortran_order' : True , 'shape' : ( 1 , 2 ) , }",
    "{u'descr': u'<f4', u'fortran_order': False, u'shape': (2,), }",
    "{U'descr': U\"<f4\", 'fortran_order': True, 'shape': (2,)}",
  ]) func acceptsTheSameLiteralInOtherWords(_ header: String) throws {
    #expect(try Tensor(contentsOfNumPy: file(header)).count == 2)
  }

  @Test(arguments: ["", " ", "\n\n", "\t \n"]) func aLineEndBehindTheHeaderMayBeMissing(_ end: String) throws {
    let path = try file("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", end: end)
    #expect(try Tensor(contentsOfNumPy: path).shape == [2])
  }

  @Test(
    arguments: [
      "(4611686018427387904, 4)", "(9223372036854775807, 9223372036854775807, 0)", "(0, 4294967296, 4294967296)",
      "(4294967296, 0, 4294967296)", "(4294967296, 4294967296, 0)", "(0, 2305843009213693952)",
    ], ["<f4", "|b1", "<f8", "<f2"])
  func refusesShapesThatOverflowAlsoBehindAZero(_ shape: String, _ type: String) throws {
    for order in ["False", "True"] {
      let path = try file("{'descr': '\(type)', 'fortran_order': \(order), 'shape': \(shape), }", data: 0)
      expectError(.badFile, "64 bits") { _ = try Tensor(contentsOfNumPy: path) }
    }
  }

  @Test func refusesOtherVersionsAndLongHeaders() throws {
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }"
    for version: [UInt8] in [[0, 0], [4, 0], [1, 1]] {
      let path = try file(header, version: version)
      expectError(.badFile, "version") { _ = try Tensor(contentsOfNumPy: path) }
    }
    let padded = header + String(repeating: " ", count: 10_001 - header.utf8.count - 1)
    let long = try file(padded, version: [2, 0])
    expectError(.badFile, "10000", "10001") { _ = try Tensor(contentsOfNumPy: long) }
    let wrong = try file(header, version: [2, 0], length: -1)
    expectError(.badFile, "10000") { _ = try Tensor(contentsOfNumPy: wrong) }
  }

  @Test func refusesIntegersBeyond32Bits() throws {
    let path = try file("{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }")
    expectError(.badFile, "int32", "element 0", "72340172838076673") { _ = try Tensor(contentsOfNumPy: path) }
  }

  @Test func convertsManyElementsInPieces() throws {
    let count = 100_001
    let header = "{'descr': '>i2', 'fortran_order': False, 'shape': (\(count),), }\n"
    let data = (0..<count).flatMap { [UInt8(truncatingIfNeeded: $0 >> 8) & 0x7F, UInt8(truncatingIfNeeded: $0)] }
    let path = try folder.add(
      "big.npy", [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0] + Array(header.utf8) + data)
    #expect(try Tensor(contentsOfNumPy: path).scalars(as: Int32.self) == (0..<Int32(count)).map { $0 & 0x7FFF })
  }
}
