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
    let path = try folder.add("longer", whole + [0])
    expectError(.badFile, "bytes of data") { _ = try Tensor(contentsOfNumPy: path) }
  }

  @Test(arguments: ["|O", "<c8", "<U3", "<M8[s]", "<f16", "|f4", "f4", "<f3", ""]) func refusesOtherTypes(
    _ type: String
  ) throws {
    let path = try file("{'descr': '\(type)', 'fortran_order': False, 'shape': (2,), }")
    expectError(.badFile, "'\(type)'") { _ = try Tensor(contentsOfNumPy: path) }
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
  ]) func acceptsTheSameLiteralInOtherWords(_ header: String) throws {
    #expect(try Tensor(contentsOfNumPy: file(header)).count == 2)
  }

  @Test func refusesAHeaderWithoutItsLineEnd() throws {
    let path = try file("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", end: "")
    expectError(.badFile) { _ = try Tensor(contentsOfNumPy: path) }
  }

  @Test(arguments: [
    "(4611686018427387904, 4)", "(9223372036854775807, 9223372036854775807, 0)", "(2305843009213693951,)",
  ])
  func refusesShapesThatOverflow(_ shape: String) throws {
    let path = try file("{'descr': '<f4', 'fortran_order': False, 'shape': \(shape), }", data: 0)
    expectError(.badFile) { _ = try Tensor(contentsOfNumPy: path) }
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
