internal import RecurraLayers
internal import RecurraTensor

/// What an object says of itself.
extension HDF5Reader {
  /// Reads the messages of an object header, and those of the blocks that go on with it; nil for a header of the newer
  /// kind.
  mutating func messages(at address: Int) throws(RecurraError) -> [Message]? {
    var head = try structure("object header", at: address, min(16, max(0, file.byteCount - address)))
    let version = try head.byte()
    if version == UInt8(ascii: "O"), try head.take(3).elementsEqual("HDR".utf8) { return nil }
    guard version == 1 else { throw head.damaged(expected: "version 1", got: "\(version)") }
    try head.skip(1)
    let count = try head.count(2)
    try head.skip(4)
    var blocks = [(address: address + 16, byteCount: try head.count(4))]
    try head.skip(4)
    var messages: [Message] = []
    var next = 0
    while next < blocks.count, messages.count < count {
      var block = try structure("object header", at: blocks[next].address, blocks[next].byteCount)
      next += 1
      while block.remaining >= 8, messages.count < count {
        let (type, byteCount) = (try block.count(2), try block.count(2))
        let flags = try block.byte()
        try block.skip(3)
        let place = "message \(type) of the \(block.place)"
        var content = HDF5Cursor(try block.take(byteCount), of: place, in: file)
        if type == 0x10 { blocks.append((try content.definedAddress(), try content.count())) }
        // A type that stands elsewhere under a name of its own.
        messages.append(Message(type: flags & 2 == 0 ? type : -type, content: content))
      }
    }
    guard messages.count == count else { throw head.damaged(expected: "\(count) messages", got: "\(messages.count)") }
    return messages
  }

  /// Reads all attributes.
  mutating func attributes(_ messages: [Message]) throws(RecurraError) -> NamedValues<HDF5Value> {
    var attributes: NamedValues<HDF5Value> = [:]
    for message in messages {
      var content = message.content
      if message.type == 0x15 {
        let flags = try content.take(2).last ?? 0
        try content.skip(flags & 1 == 1 ? 2 : 0)
        if try content.address() != nil {
          throw content.damaged(expected: "attributes beside their object", got: "attributes in a heap of their own")
        }
      }
      guard message.type == 0x0C else { continue }
      let (name, value) = try attribute(&content)
      guard attributes[name] == nil else {
        throw content.damaged(expected: "attributes with names of their own", got: "\(name.excerpt) twice")
      }
      attributes[name] = value
    }
    return attributes
  }

  private mutating func attribute(
    _ message: inout HDF5Cursor
  ) throws(RecurraError) -> (name: String, value: HDF5Value) {
    let (version, flags) = (try message.byte(), try message.byte())
    guard (1...3).contains(version) else {
      throw message.damaged(expected: "an attribute of version 1, 2 or 3", got: "\(version)")
    }
    let sizes = (try message.count(2), try message.count(2), try message.count(2))
    if version == 3 { try message.skip(1) }
    func padded(_ count: Int) -> Int { version == 1 ? (count + 7) / 8 * 8 : count }
    let bytes = try message.take(padded(sizes.0)).prefix(sizes.0)
    guard let name = String(validating: bytes.prefix { $0 != 0 }, as: UTF8.self), !name.isEmpty else {
      throw message.damaged(expected: "a name in UTF-8", got: String(decoding: bytes, as: UTF8.self).excerpt)
    }
    let place = "attribute \(name.excerpt) of the \(message.place)"
    var type = HDF5Cursor(try message.take(padded(sizes.1)), of: place, in: file)
    var space = HDF5Cursor(try message.take(padded(sizes.2)), of: place, in: file)
    if version > 1, flags & 3 != 0 { return (name, .refused("a committed datatype")) }
    let datatype = try HDF5Datatype(&type)
    guard let shape = try HDF5Dataspace.shape(&space) else { return (name, .refused("no value")) }
    return (name, try value(datatype, shape, &message))
  }

  private mutating func value(
    _ type: HDF5Datatype, _ shape: [Int], _ data: inout HDF5Cursor
  ) throws(RecurraError) -> HDF5Value {
    guard let byteCount = HDF5Dataspace.byteCount(of: shape, type.byteCount) else {
      throw data.damaged(expected: "a size that can be counted", got: "\(shape)")
    }
    switch type {
    case .refused(let reason): return .refused(reason)
    case .opaque: return .refused("bytes of an unknown type")
    case .numbers(let format, let isBigEndian):
      let bytes = Array(try data.take(byteCount))
      let storage = HDF5Storage(
        file: file, type: .numbers(format, isBigEndian: isBigEndian), shape: shape, place: .compact(bytes[...]),
        fill: [])
      return .numbers(try storage.tensor(named: data.place, isBrainFloat: false))
    case .texts, .fixedTexts:
      // Elements of no width would be without end.
      guard type.byteCount > 0 else { throw data.damaged(expected: "texts of at least 1 byte", got: "0") }
      var elements = HDF5Cursor(try data.take(byteCount), of: data.place, in: file)
      var texts: [String] = []
      while elements.remaining > 0 { texts.append(try text(type, &elements)) }
      guard let text = texts.first, shape.isEmpty else { return .texts(texts) }
      return .text(text)
    }
  }

  private mutating func text(_ type: HDF5Datatype, _ elements: inout HDF5Cursor) throws(RecurraError) -> String {
    var bytes: ArraySlice<UInt8>
    if case .fixedTexts(let byteCount, let isPaddedWithSpaces) = type {
      bytes = try elements.take(byteCount).prefix { $0 != 0 }
      while isPaddedWithSpaces, bytes.last == 0x20 { bytes.removeLast() }
    } else {
      let count = try elements.count(4)
      let (address, index) = (try elements.address(), try elements.count(4))
      guard count > 0, let address, address > 0 else { return "" }
      guard let found = try text(at: address, index), found.count >= count else {
        throw elements.damaged(
          expected: "text \(index) of \(count) bytes in the global heap at \(address)", got: "none")
      }
      bytes = found.prefix(count).prefix { $0 != 0 }
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw elements.damaged(expected: "texts in UTF-8", got: String(decoding: bytes, as: UTF8.self).excerpt)
    }
    return text
  }
}
