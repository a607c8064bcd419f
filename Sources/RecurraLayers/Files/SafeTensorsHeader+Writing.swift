extension SafeTensors.Header {
  /// Tells which of two tensors lies first: those of wider types, so that each is aligned to its type, then by the
  /// bytes of their names.
  package static func precedes(
    _ left: (name: String, format: ElementFormat), _ right: (name: String, format: ElementFormat)
  ) -> Bool {
    let ranks = (rank(left.format), rank(right.format))
    return ranks.0 == ranks.1 ? left.name.utf8.lexicographicallyPrecedes(right.name.utf8) : ranks.0 < ranks.1
  }

  private static func rank(_ format: ElementFormat) -> Int {
    let order: [ElementFormat] = [
      .uint64, .int64, .float64, .float32, .uint32, .int32, .bfloat16, .float16, .uint16, .int16, .int8, .uint8, .bool,
    ]
    return order.firstIndex(of: format) ?? order.count
  }

  /// The bytes before the data of tensors that follow in this order.
  package static func bytes(
    _ tensors: [(name: String, format: ElementFormat, shape: [Int])], metadata: NamedValues<String>
  ) -> [UInt8] {
    var members: [(name: String, value: JSONValue)] = []
    if !metadata.isEmpty {
      members.append((metadataName, .object(metadata.map { (name: $0.name, value: .string($0.value)) })))
    }
    var offset = 0
    for (tensorName, format, shape) in tensors {
      let end = offset + shape.reduce(format.byteCount, *)
      let range = JSONValue.array([.integer(offset), .integer(end)])
      let value = JSONValue.object([
        (name: "dtype", value: .string(name(of: format))),
        (name: "shape", value: .array(shape.map { .integer($0) })), (name: "data_offsets", value: range),
      ])
      members.append((tensorName, value))
      offset = end
    }
    var text = JSONValue.object(members).encoded()
    text.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - text.count % 8) % 8))
    return (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) } + text
  }
}
