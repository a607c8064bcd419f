/// What a file would take as messages, found out without making them: a field of two bytes may become a message of a
/// hundred and more.
struct MessageEstimate {
  /// The bytes that the messages and lists take besides the file's own.
  private(set) var byteCount = 0

  private enum Kind {
    case model, graph, node, attribute, tensor, value, function, other

    /// About the bytes of a message without fields.
    var size: Int {
      switch self {
      case .node, .tensor: 256
      case .attribute, .graph, .function: 384
      default: 128
      }
    }

    /// The messages in the fields of a message.
    func field(_ number: UInt64) -> Kind? {
      switch (self, number) {
      case (.model, 7), (.attribute, 6), (.attribute, 11): .graph
      case (.model, 25): .function
      case (.model, 8), (.model, 14), (.function, 9), (.tensor, 13): .other
      case (.graph, 1), (.function, 7): .node
      case (.graph, 5), (.attribute, 5), (.attribute, 10): .tensor
      case (.graph, 11), (.graph, 12), (.graph, 13): .value
      case (.node, 5), (.function, 11): .attribute
      case (.value, 2), (.value, 1): .value
      default: nil
      }
    }

    /// Tells whether a field is a list of whole numbers, each of which may be a byte of the file.
    func isList(_ number: UInt64) -> Bool {
      switch (self, number) {
      case (.attribute, 8), (.tensor, 1), (.tensor, 5), (.tensor, 7), (.tensor, 11): true
      default: false
      }
    }
  }

  /// Goes through the fields of each message until one is damaged.
  init(_ bytes: [UInt8]) {
    var pending: [(range: Range<Int>, kind: Kind)] = [(0..<bytes.count, .model)]
    while let (range, kind) = pending.popLast() {
      var reader = VarintReader(bytes, range)
      fields: while !reader.isAtEnd, let key = reader.next() {
        switch key & 7 {
        case 0:
          guard reader.next() != nil else { break fields }
          byteCount += 8
        case 1: reader.position += 8
        case 5: reader.position += 4
        case 2:
          guard let length = reader.next().flatMap({ Int(exactly: $0) }), length <= reader.end - reader.position else {
            break fields
          }
          // A text that has a place of its own takes two pointers and a header.
          byteCount += kind.isList(key >> 3) ? 8 * length : 48
          if let inner = kind.field(key >> 3) {
            byteCount += inner.size
            pending.append((reader.position..<(reader.position + length), inner))
          }
          reader.position += length
        default: break fields
        }
        if reader.position > reader.end { break fields }
      }
    }
  }
}
