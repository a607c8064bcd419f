internal import RecurraLayers
internal import RecurraTensor

extension OperatorTable {
  /// Other types.
  static let casting: [Entry] = [
    Entry("Cast") { (node) throws(RecurraError) in
      let format = try elementType(node, try node.integer("to", default: 0))
      return { (call) throws(RecurraError) in [cast(try call.value(0), to: format)] }
    },
    Entry("CastLike", since: 15, inputs: 2...2) { (call) throws(RecurraError) in
      [cast(try call.value(0), to: try call.value(1).format)]
    },
  ]

  /// The type of a code in an attribute.
  static func elementType(_ node: ONNXNode, _ code: Int) throws(RecurraError) -> ElementFormat {
    guard let code = Int32(exactly: code), let format = ElementFormat(code: code) else {
      throw node.failure(expected: "a type of numbers or truth values, of a byte or more", got: "element type \(code)")
    }
    return format
  }

  static func cast(_ value: ONNXValue, to format: ElementFormat) -> ONNXValue {
    if value.format == format { return value }
    switch value {
    case .floats(let tensor, _):
      guard !format.isFloating else { return .floats(tensor.converted(to: format.dtype).rounded(to: format), format) }
      let elements = value.doubles.map { number in
        format == .bool
          ? Int64(number != 0 ? 1 : 0)
          : format == .uint64 && number >= 0x1p63 && number < 0x1p64
            ? Int64(bitPattern: UInt64(number)) : IntegerArray.wrapped(Int64(saturating: number), to: format)
      }
      return .integers(IntegerArray(elements, shape: tensor.shape, format: format))
    case .integers(let array):
      guard !format.isFloating else {
        return .floats(array.floats(format.dtype).rounded(to: format), format)
      }
      return .integers(array.mapped(format) { $0 })
    }
  }
}
