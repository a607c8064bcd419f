internal import RecurraLayers
internal import RecurraTensor

/// An array that flows through a graph: floating numbers with their history, or whole numbers and truth values.
enum ONNXValue: Sendable {
  /// float32 and float64, and float16 and bfloat16, which are held as float32.
  case floats(Tensor, ElementFormat)
  case integers(IntegerArray)

  static func floats(_ tensor: Tensor) -> ONNXValue { .floats(tensor, ElementFormat(tensor.dtype)) }
  static func truths(_ elements: [Bool], shape: [Int]) -> ONNXValue {
    .integers(IntegerArray(elements.map { $0 ? 1 : 0 }, shape: shape, format: .bool))
  }
  /// Truth values of an int32 tensor of 0 and 1.
  static func truths(_ tensor: Tensor) -> ONNXValue {
    .integers(IntegerArray(tensor.scalars(as: Int32.self).map(Int64.init), shape: tensor.shape, format: .bool))
  }

  var shape: [Int] {
    switch self {
    case .floats(let tensor, _): tensor.shape
    case .integers(let array): array.shape
    }
  }

  var format: ElementFormat {
    switch self {
    case .floats(_, let format): format
    case .integers(let array): array.format
    }
  }

  var count: Int {
    switch self {
    case .floats(let tensor, _): tensor.count
    case .integers(let array): array.elements.count
    }
  }

  var rank: Int { shape.count }

  /// The same elements in another shape of as many.
  func reshaped(_ shape: [Int]) -> ONNXValue {
    switch self {
    case .floats(let tensor, let format): .floats(tensor.shape == shape ? tensor : tensor.reshaped(shape), format)
    case .integers(let array): .integers(array.reshaped(shape))
    }
  }

  /// The elements at some places of the row-major order; `fill` where a place is negative.
  ///
  /// - Precondition: places below the number of elements, which fits in int32 together with the filler.
  func gathered(_ places: [Int], shape: [Int], fill: Double = 0) -> ONNXValue {
    switch self {
    case .integers(let array):
      return .integers(array.gathered(places, shape: shape, fill: Int64(exactly: fill.rounded(.towardZero)) ?? 0))
    case .floats(let tensor, let format):
      let count = tensor.count
      if !tensor.isTracked {
        func pick<S: TensorScalar>(_ filler: S) -> Tensor {
          tensor.withSpan(of: S.self) { span in
            var result: [S] = []
            result.reserveCapacity(places.count)
            for place in places { result.append(place < 0 ? filler : span[place]) }
            return Tensor(result, shape: shape)
          }
        }
        return .floats(tensor.dtype == .float64 ? pick(fill) : pick(Float(fill)), format)
      }
      var column = tensor.reshaped([count, 1])
      let isFilled = places.contains { $0 < 0 }
      if isFilled { column = .concatenated([column, .full([1, 1], fill, dtype: tensor.dtype)]) }
      let indices = places.map { Int32(truncatingIfNeeded: $0 < 0 ? count : $0) }
      guard !indices.isEmpty else { return .floats(.zeros(shape, dtype: tensor.dtype), format) }
      return .floats(column.gathered(Tensor(indices)).reshaped(shape), format)
    }
  }

  /// The elements as numbers in double precision.
  var doubles: [Double] {
    switch self {
    case .floats(let tensor, _): tensor.detached.converted(to: .float64).scalars(as: Double.self)
    case .integers(let array): array.floats(.float64).scalars(as: Double.self)
    }
  }
}

extension ElementFormat {
  /// The type of a code of ONNX' files; nil for texts, complex numbers and those of less than a byte.
  init?(code: Int32) {
    guard let format = Self.codes.first(where: { $0.code == code })?.format else { return nil }
    self = format
  }

  /// The code of the type in ONNX' files.
  var code: Int32 { Self.codes.first { $0.format == self }?.code ?? 0 }

  private static let codes: [(code: Int32, format: ElementFormat)] = [
    (1, .float32), (2, .uint8), (3, .int8), (4, .uint16), (5, .int16), (6, .int32), (7, .int64), (9, .bool),
    (10, .float16), (11, .float64), (12, .uint32), (13, .uint64), (16, .bfloat16),
  ]

  var isFloating: Bool { dtype.isFloating }
}
