internal import RecurraLayers
internal import RecurraTensor

/// Whole numbers or truth values of a graph, row-major; those of uint64 are kept by their bits.
struct IntegerArray: Sendable, Equatable {
  let elements: [Int64]
  let shape: [Int]
  let format: ElementFormat

  init(_ elements: [Int64], shape: [Int], format: ElementFormat) {
    (self.elements, self.shape, self.format) = (elements, shape, format)
  }

  init(_ elements: [Int], format: ElementFormat = .int64) {
    self.init(elements.map(Int64.init), shape: [elements.count], format: format)
  }

  /// Brings a result that may not fit into the type: it wraps around, as integers of that width do.
  static func wrapped(_ value: Int64, to format: ElementFormat) -> Int64 {
    switch format {
    case .bool: value == 0 ? 0 : 1
    case .uint8: Int64(UInt8(truncatingIfNeeded: value))
    case .int8: Int64(Int8(truncatingIfNeeded: value))
    case .uint16: Int64(UInt16(truncatingIfNeeded: value))
    case .int16: Int64(Int16(truncatingIfNeeded: value))
    case .uint32: Int64(UInt32(truncatingIfNeeded: value))
    case .int32: Int64(Int32(truncatingIfNeeded: value))
    default: value
    }
  }

  func reshaped(_ shape: [Int]) -> IntegerArray { IntegerArray(elements, shape: shape, format: format) }

  func mapped(_ format: ElementFormat? = nil, _ body: (Int64) -> Int64) -> IntegerArray {
    let format = format ?? self.format
    return IntegerArray(elements.map { Self.wrapped(body($0), to: format) }, shape: shape, format: format)
  }

  /// The elements at some places; `fill` where a place is negative.
  func gathered(_ places: [Int], shape: [Int], fill: Int64 = 0) -> IntegerArray {
    IntegerArray(places.map { $0 < 0 ? fill : elements[$0] }, shape: shape, format: format)
  }

  /// The elements as the engine's int32; nil where one does not fit.
  var tensor: Tensor? {
    var numbers: [Int32] = []
    numbers.reserveCapacity(elements.count)
    for element in elements {
      guard let number = Int32(exactly: element), format != .uint64 || element >= 0 else { return nil }
      numbers.append(number)
    }
    return Tensor(numbers, shape: shape)
  }

  /// The elements as floating numbers.
  func floats(_ dtype: DType) -> Tensor {
    let isUnsigned = format == .uint64
    if dtype == .float64 {
      return Tensor(elements.map { isUnsigned ? Double(UInt64(bitPattern: $0)) : Double($0) }, shape: shape)
    }
    return Tensor(elements.map { isUnsigned ? Float(UInt64(bitPattern: $0)) : Float($0) }, shape: shape)
  }

  /// Tells whether one element is less than another, in this array's type.
  func isLess(_ left: Int64, _ right: Int64) -> Bool {
    format == .uint64 ? UInt64(bitPattern: left) < UInt64(bitPattern: right) : left < right
  }
}
