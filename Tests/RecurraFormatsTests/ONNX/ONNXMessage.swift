/// A message of protobuf that is put together field by field, so that tests can say what no exporter would.
struct ONNXMessage {
  private(set) var bytes: [UInt8] = []

  mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  mutating func number(_ field: UInt64, _ value: Int64) {
    varint(field << 3)
    varint(UInt64(bitPattern: value))
  }

  mutating func content(_ field: UInt64, _ content: [UInt8]) {
    varint(field << 3 | 2)
    varint(UInt64(content.count))
    bytes += content
  }

  mutating func text(_ field: UInt64, _ text: String) { content(field, Array(text.utf8)) }

  static func made(_ build: (inout ONNXMessage) -> Void) -> [UInt8] {
    var message = ONNXMessage()
    build(&message)
    return message.bytes
  }

  // MARK: What models are made of

  static func attribute(_ name: String, kind: Int64, _ build: (inout ONNXMessage) -> Void) -> [UInt8] {
    made {
      $0.text(1, name)
      build(&$0)
      $0.number(20, kind)
    }
  }

  static func node(
    _ kind: String, _ inputs: [String], _ outputs: [String], name: String = "", domain: String = "",
    attributes: [[UInt8]] = []
  ) -> [UInt8] {
    made {
      for input in inputs { $0.text(1, input) }
      for output in outputs { $0.text(2, output) }
      if !name.isEmpty { $0.text(3, name) }
      $0.text(4, kind)
      for attribute in attributes { $0.content(5, attribute) }
      if !domain.isEmpty { $0.text(7, domain) }
    }
  }

  static func int64s(_ name: String, shape: [Int64], _ values: [Int64]) -> [UInt8] {
    made {
      for extent in shape { $0.number(1, extent) }
      $0.number(2, 7)
      for value in values { $0.number(7, value) }
      $0.text(8, name)
    }
  }

  static func port(_ name: String, type: Int64 = 1) -> [UInt8] {
    made {
      $0.text(1, name)
      $0.content(2, made { $0.content(1, made { $0.number(1, type) }) })
    }
  }

  static func graph(
    _ nodes: [[UInt8]], inputs: [String], outputs: [String], initializers: [[UInt8]] = []
  ) -> [UInt8] {
    made {
      for node in nodes { $0.content(1, node) }
      $0.text(2, "graph")
      for initializer in initializers { $0.content(5, initializer) }
      for input in inputs { $0.content(11, port(input)) }
      for output in outputs { $0.content(12, port(output)) }
    }
  }

  static func model(_ graph: [UInt8], opset: Int64 = 17, functions: [[UInt8]] = []) -> [UInt8] {
    made {
      $0.number(1, 8)
      $0.content(7, graph)
      $0.content(8, made { $0.number(2, opset) })
      $0.content(
        8,
        made {
          $0.text(1, "own")
          $0.number(2, 1)
        })
      for function in functions { $0.content(25, function) }
    }
  }
}
