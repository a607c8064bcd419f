package import RecurraTensor

extension SafeTensors {
  /// The checked header of a file: where each tensor lies.
  package struct Header {
    package struct Entry {
      package let name: String
      package let format: ElementFormat
      package let shape: [Int]
      /// Bytes from the start of the data.
      package let range: Range<Int>
    }

    package static let metadataName = "__metadata__"
    private static let maximumByteCount = 100_000_000

    /// The tensors in the order of their data.
    package let entries: [Entry]
    package let metadata: NamedValues<String>
    /// Where the data start in the file.
    package let dataOffset: Int

    package init(_ file: InputFile) throws(RecurraError) {
      let json = try Self.json(file)
      dataOffset = 8 + json.count
      let limits = JSONValue.Limits(byteCount: Self.maximumByteCount, depth: 3)
      let value = try JSONValue(parsing: json, operation: file.operation, offset: 8, limits: limits)
      guard case .object(let members) = value else {
        throw file.damaged(expected: "an object as header", got: value.kind)
      }
      var metadata: NamedValues<String> = [:]
      var entries: [Entry] = []
      for (name, value) in members {
        if name == Self.metadataName {
          metadata = try Self.texts(value, file)
        } else {
          entries.append(try Self.entry(name, value, file))
        }
      }
      entries.sort { ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound) }
      var end = 0
      for entry in entries {
        guard entry.range.lowerBound == end else {
          throw file.damaged(
            expected: "data of \(entry.name.excerpt) from \(end), without a hole or an overlap",
            got: "\(entry.range.lowerBound)")
        }
        end = entry.range.upperBound
      }
      guard end == file.byteCount - dataOffset else {
        throw file.damaged(expected: "\(end) bytes of data", got: "\(file.byteCount - dataOffset)")
      }
      self.metadata = metadata
      self.entries = entries
    }

    /// Reads the data of a tensor.
    func tensor(_ entry: Entry, _ file: InputFile) throws(RecurraError) -> Tensor {
      try file.tensor(
        entry.format, shape: entry.shape, at: dataOffset + entry.range.lowerBound, name: "tensor \(entry.name.excerpt)")
    }

    private static func json(_ file: InputFile) throws(RecurraError) -> [UInt8] {
      let prefix = try file.bytes(0..<8)
      let length = prefix.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      guard length <= UInt64(maximumByteCount) else {
        throw file.damaged(expected: "a header of at most \(maximumByteCount) bytes", got: "\(length)")
      }
      let json = try file.bytes(8..<(8 + Int(length)))
      guard json.first == UInt8(ascii: "{"), json.last(where: { $0 != 0x20 }) == UInt8(ascii: "}") else {
        throw file.damaged(expected: "a header from { to }, padded with spaces", got: "other bytes at its ends")
      }
      return json
    }

    private static func texts(_ value: JSONValue, _ file: InputFile) throws(RecurraError) -> NamedValues<String> {
      guard case .object(let members) = value else {
        throw file.damaged(expected: "an object as \(metadataName)", got: value.kind)
      }
      var texts: NamedValues<String> = [:]
      for (name, value) in members {
        guard case .string(let text) = value else {
          throw file.damaged(expected: "a text as \(metadataName) \(name.excerpt)", got: value.kind)
        }
        texts[name] = text
      }
      return texts
    }

    private static func entry(_ name: String, _ value: JSONValue, _ file: InputFile) throws(RecurraError) -> Entry {
      guard case .object(let members) = value, members.count == 3, let dtype = value["dtype"],
        let shape = extents(value["shape"]), let offsets = extents(value["data_offsets"]), offsets.count == 2
      else {
        throw file.damaged(
          expected: "dtype, shape (a list of extents) and data_offsets (two offsets) of \(name.excerpt)",
          got: "other members")
      }
      guard case .string(let code) = dtype, let format = formats[code] else {
        throw file.damaged(
          expected: "a dtype of \(name.excerpt) among \(formats.keys.sorted().joined(separator: " "))",
          got: dtype.shortText)
      }
      guard let byteCount = format.byteCount(of: shape) else {
        throw file.damaged(expected: "a size of \(name.excerpt) that fits in 64 bits", got: "shape \(shape)")
      }
      guard offsets[0] <= offsets[1], offsets[1] - offsets[0] == byteCount else {
        throw file.damaged(
          expected: "\(byteCount) bytes for \(name.excerpt), \(code) of shape \(shape)",
          got: "offsets \(offsets[0]) to \(offsets[1])")
      }
      return Entry(name: name, format: format, shape: shape, range: offsets[0]..<offsets[1])
    }

    /// A list of integers of 0 or more; nil when the value is anything else.
    private static func extents(_ value: JSONValue?) -> [Int]? {
      guard case .array(let elements) = value else { return nil }
      var extents: [Int] = []
      for element in elements {
        guard case .integer(let extent) = element, extent >= 0 else { return nil }
        extents.append(extent)
      }
      return extents
    }

    private static let formats: [String: ElementFormat] = Dictionary(
      uniqueKeysWithValues: ElementFormat.allCases.map { (name(of: $0), $0) })

    package static func name(of format: ElementFormat) -> String {
      switch format {
      case .bool: "BOOL"
      case .uint8: "U8"
      case .int8: "I8"
      case .uint16: "U16"
      case .int16: "I16"
      case .float16: "F16"
      case .bfloat16: "BF16"
      case .uint32: "U32"
      case .int32: "I32"
      case .float32: "F32"
      case .uint64: "U64"
      case .int64: "I64"
      case .float64: "F64"
      }
    }
  }
}
