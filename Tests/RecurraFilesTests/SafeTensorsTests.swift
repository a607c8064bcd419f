import RecurraLayers
import RecurraTensor
import Testing

@Suite struct SafeTensorsTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A file of a header and as many bytes of data as wanted; the length before the header is right unless given.
  private func file(_ header: String, data: Int = 0, length: Int? = nil) throws -> String {
    let text = Array(header.utf8)
    let length = length ?? text.count
    return try folder.add(
      "x.safetensors",
      (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + text + [UInt8](repeating: 1, count: data))
  }

  private func entry(_ dtype: String = "F32", _ shape: String = "[2]", _ offsets: String = "[0,8]") -> String {
    #"{"dtype":"\#(dtype)","shape":\#(shape),"data_offsets":\#(offsets)}"#
  }

  @Test func readsWhatPythonWrote() throws {
    let file = try SafeTensors(contentsOf: fixture("native.safetensors"))
    #expect(file.metadata == ["note": "line\nend, \"quoted\", 鱼"])
    #expect(file.tensors.count == 8)
    let kernel = try #require(file.tensors["a.kernel"])
    #expect(kernel.shape == [2, 3, 2])
    #expect(kernel.scalars(as: Float.self) == (0..<12).map { Float($0) / 4 - 1 })
    #expect(file.tensors["double"]?.scalars(as: Double.self) == (0..<7).map { Double($0) / 4 - 1 })
    #expect(file.tensors["labels"]?.scalars(as: Int32.self) == (0..<5).map { 3 * Int32($0) - 2 })
    #expect(file.tensors["scalar"]?.shape == [])
    #expect(file.tensors["scalar"]?.item == -1)
    #expect(file.tensors["empty"]?.shape == [0, 3])
    #expect(file.tensors["猫 🐈"]?.scalars(as: Float.self) == [-1, -0.75])
  }

  @Test(arguments: ["native", "without_metadata"]) func writesTheBytesOfPython(_ name: String) throws {
    let path = folder("copy.safetensors")
    try SafeTensors(contentsOf: fixture("\(name).safetensors")).write(to: path)
    #expect(try bytes(of: path) == bytes(of: fixture("\(name).safetensors")))
  }

  @Test func convertsOtherFormatsExactly() throws {
    let tensors = try SafeTensors(contentsOf: fixture("other.safetensors")).tensors
    #expect(tensors.count == 10)
    for name in ["float16", "bfloat16"] {
      #expect(tensors[name]?.scalars(as: Float.self) == [-1, -0.75, -0.5, -0.25, 0, 0.25], "\(name)")
    }
    for name in ["int8", "int16", "int64"] {
      #expect(tensors[name]?.scalars(as: Int32.self) == [-2, 1, 4, 7, 10, 13], "\(name)")
    }
    for name in ["uint8", "uint16", "uint32", "uint64"] {
      #expect(tensors[name]?.scalars(as: Int32.self) == [0, 3, 6, 9, 12, 15], "\(name)")
    }
    #expect(tensors["bool"]?.scalars(as: Int32.self) == [0, 1, 0, 0, 1, 0])
  }

  @Test func writesViewsInRowMajorOrder() throws {
    let matrix = Tensor((0..<12).map(Float.init), shape: [3, 4])
    try SafeTensors(["columns": matrix.transposed(), "row": matrix.sliced(1..<2)]).write(to: folder("views"))
    let read = try SafeTensors(contentsOf: folder("views")).tensors
    #expect(read["columns"]?.shape == [4, 3])
    #expect(read["columns"]?.scalars(as: Float.self) == [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11])
    #expect(read["row"]?.scalars(as: Float.self) == [4, 5, 6, 7])
  }

  @Test(arguments: ["native", "other"]) func everyTruncationThrowsAndSoDoesOneByteMore(_ name: String) throws {
    let whole = try bytes(of: fixture("\(name).safetensors"))
    try expectErrorForEveryTruncation(of: whole, in: folder) { _ = try SafeTensors(contentsOf: $0) }
    let path = try folder.add("longer", whole + [0])
    expectError(.badFile, "bytes of data") { _ = try SafeTensors(contentsOf: path) }
  }

  @Test func refusesAHeaderThatIsTooLongForTheFormatOrTheFile() throws {
    let path = try file("{}", length: 100_000_001)
    expectError(.badFile, "100000000", "100000001") { _ = try SafeTensors(contentsOf: path) }
    for length in [3, 1000, Int.min, -1] {
      let path = try file("{}", length: length)
      expectError(.badFile) { _ = try SafeTensors(contentsOf: path) }
    }
  }

  @Test func acceptsPaddingWithSpacesOnly() throws {
    #expect(try SafeTensors(contentsOf: file("{}   ")).tensors.isEmpty)
    for header in ["", " {}", "{}\n", "{}\0", "[]", "1", "{} {}"] {
      let path = try file(header)
      expectError(.badFile) { _ = try SafeTensors(contentsOf: path) }
    }
  }

  @Test func refusesNamesThatComeTwice() throws {
    let path = try file(#"{"a":\#(entry()),"a":\#(entry("F32", "[2]", "[8,16]"))}"#, data: 16)
    expectError(.badFile, "offset", "once", "\"a\"") { _ = try SafeTensors(contentsOf: path) }
  }

  @Test(arguments: ["F8_E4M3", "F4", "C64", "f32", ""]) func refusesFormatsItDoesNotKnow(_ dtype: String) throws {
    let path = try file(#"{"weight":\#(entry(dtype))}"#, data: 8)
    expectError(.badFile, "weight", "\"\(dtype)\"", "F32") { _ = try SafeTensors(contentsOf: path) }
  }

  @Test(arguments: [
    #"{"dtype":"F32","shape":[2]}"#, #"{"dtype":"F32","data_offsets":[0,8]}"#, #"{"shape":[2],"data_offsets":[0,8]}"#,
    #"{"dtype":"F32","shape":[2],"data_offsets":[0,8],"more":1}"#, #"{"dtype":1,"shape":[2],"data_offsets":[0,8]}"#,
    #"{"dtype":"F32","shape":2,"data_offsets":[0,8]}"#, #"{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}"#,
    #"{"dtype":"F32","shape":["2"],"data_offsets":[0,8]}"#, #"{"dtype":"F32","shape":[-2],"data_offsets":[0,-8]}"#,
    #"{"dtype":"F32","shape":[2],"data_offsets":[0,8,9]}"#, #"{"dtype":"F32","shape":[2],"data_offsets":[8]}"#,
    #"{"dtype":"F32","shape":[[2]],"data_offsets":[0,8]}"#, "[]", "null",
  ]) func refusesDescriptionsOfTheWrongForm(_ description: String) throws {
    let path = try file(#"{"weight":\#(description)}"#, data: 8)
    expectError(.badFile) { _ = try SafeTensors(contentsOf: path) }
  }

  @Test(arguments: [("[2]", "[0,4]"), ("[2]", "[8,0]"), ("[3]", "[0,8]"), ("[2,0]", "[0,8]"), ("[]", "[0,8]")])
  func refusesOffsetsThatDoNotFitTheShape(_ shape: String, _ offsets: String) throws {
    let path = try file(#"{"weight":\#(entry("F32", shape, offsets))}"#, data: 8)
    expectError(.badFile, "weight") { _ = try SafeTensors(contentsOf: path) }
  }

  @Test(arguments: [
    ("F32", "[4611686018427387904,4]"), ("F32", "[9223372036854775807,9223372036854775807,0]"),
    ("F32", "[2305843009213693952]"), ("F32", "[0,4294967296,4294967296]"), ("F32", "[4294967296,0,4294967296]"),
    ("F32", "[0,1,2305843009213693952]"), ("F64", "[0,1152921504606846976]"), ("U8", "[0,9223372036854775807,2]"),
    // What is small in the file is four bytes in memory.
    ("BOOL", "[0,4611686018427387904]"), ("F16", "[0,3,1152921504606846976]"),
  ]) func refusesShapesThatOverflowAlsoBehindAZero(_ dtype: String, _ shape: String) throws {
    let path = try file(#"{"weight":\#(entry(dtype, shape, "[0,0]"))}"#)
    expectError(.badFile, "weight", "64 bits") { _ = try SafeTensors(contentsOf: path) }
  }

  @Test(arguments: ["[0]", "[0,1048576,1048576]", "[3,0]", "[0,0,9007199254740992]"])
  func acceptsEmptyTensorsOfShapesThatFit(_ shape: String) throws {
    let read = try SafeTensors(contentsOf: file(#"{"weight":\#(entry("F32", shape, "[0,0]"))}"#)).tensors["weight"]
    let tensor = try #require(read)
    #expect(tensor.count == 0 && tensor.permuted(tensor.shape.indices.reversed()).contiguous.count == 0)
  }

  @Test func namesAreApartWhenTheirBytesAre() throws {
    let (composed, decomposed) = ("\u{E9}", "e\u{301}")
    let header =
      #"{"__metadata__":{"\#(composed)":"1","\#(decomposed)":"2"},"\#(composed)":\#(entry("F32", "[1]", "[0,4]")),"#
      + #""\#(decomposed)":\#(entry("F32", "[1]", "[4,8]"))}"#
    let text = Array(header.utf8)
    let size = (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) }
    let path = try folder.add("forms", size + text + [0, 0, 0x80, 0x3F, 0, 0, 0, 0x40])
    let file = try SafeTensors(contentsOf: path)
    #expect(file.tensors.count == 2)
    #expect(file.tensors[composed]?.item == 1 && file.tensors[decomposed]?.item == 2)
    #expect(file.metadata[composed] == "1" && file.metadata[decomposed] == "2")
    try file.write(to: folder("again"))
    let again = try SafeTensors(contentsOf: folder("again"))
    #expect(again.tensors[composed]?.item == 1 && again.tensors[decomposed]?.item == 2)
    #expect(again.metadata == file.metadata)
  }

  @Test(arguments: [
    ("a hole", "[0,8]", "[12,20]", 20), ("an overlap", "[0,8]", "[4,12]", 12), ("the same bytes", "[0,8]", "[0,8]", 8),
    ("a start after 0", "[4,12]", "[12,20]", 20),
  ]) func refusesDataThatDoNotFollowEachOther(_ why: String, _ first: String, _ second: String, _ count: Int) throws {
    let path = try file(#"{"a":\#(entry("F32", "[2]", first)),"b":\#(entry("F32", "[2]", second))}"#, data: count)
    expectError(.badFile, "hole") { _ = try SafeTensors(contentsOf: path) }
  }

  @Test func acceptsTensorsInAnyOrderInTheHeader() throws {
    let path = try file(#"{"b":\#(entry("F32", "[2]", "[8,16]")),"a":\#(entry())}"#, data: 16)
    #expect(try SafeTensors(contentsOf: path).tensors.names == ["a", "b"])
  }

  @Test(arguments: [#"{"__metadata__":{"a":1}}"#, #"{"__metadata__":{"a":{"b":"c"}}}"#, #"{"__metadata__":[]}"#])
  func refusesMetadataThatAreNotTexts(_ header: String) throws {
    let path = try file(header)
    expectError(.badFile, "__metadata__") { _ = try SafeTensors(contentsOf: path) }
  }

  @Test func refusesElementsThatNoTensorHolds() throws {
    let wide = try file(#"{"id":\#(entry("I64", "[1]"))}"#, data: 8)
    expectError(.badFile, "tensor \"id\"", "element 0", "72340172838076673") { _ = try SafeTensors(contentsOf: wide) }
    let header = #"{"flag":\#(entry("BOOL", "[2]", "[0,2]"))}"#
    let flags = try folder.add("flags", [UInt8(header.utf8.count), 0, 0, 0, 0, 0, 0, 0] + Array(header.utf8) + [1, 2])
    expectError(.badFile, "tensor \"flag\"", "element 1", "got 2") { _ = try SafeTensors(contentsOf: flags) }
  }

  @Test func randomDamageNeverEndsTheProcess() throws {
    let whole = try bytes(of: fixture("native.safetensors"))
    var random = SeededGenerator(state: 1)
    var refused = 0
    for _ in 0..<2_000 {
      var damaged = whole
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        // Digits and brackets make new numbers and shapes, where other bytes only break the text.
        damaged[Int.random(in: 0..<600, using: &random)] =
          Array("0123456789-[]{},\":e.".utf8).randomElement(using: &random) ?? 0
      }
      let path = try folder.add("damaged", damaged)
      if failure(of: { () throws(RecurraError) in _ = try SafeTensors(contentsOf: path) }) != nil { refused += 1 }
    }
    #expect(refused > 500)
  }

  @Test func nameOfTheHeaderIsNoTensorsName() throws {
    expectError(.badArgument, "__metadata__") { try SafeTensors(["__metadata__": [1]]).write(to: folder("x")) }
    #expect(try folder.names.isEmpty)
  }
}
