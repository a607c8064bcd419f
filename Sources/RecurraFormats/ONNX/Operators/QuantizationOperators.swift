internal import RecurraLayers
internal import RecurraTensor

extension OperatorTable {
  /// Whole numbers in the place of floating ones.
  static let quantization: [Entry] = [
    Entry("QuantizeLinear", since: 10) { (node) throws(RecurraError) in
      try node.expectInputs(2...3)
      let (axis, block) = (try node.integer("axis", default: 1), try node.integer("block_size", default: 0))
      let code = try node.integer("output_dtype", default: 0)
      let format = code == 0 ? nil : try elementType(node, code)
      return { (call) throws(RecurraError) in
        let (x, scale) = (try call.tensor(0), try call.tensor(1))
        let zero = try call.optional(2) == nil ? nil : call.array(2)
        let target = zero?.format ?? format ?? .uint8
        guard let bounds = target.bounds else {
          throw call.failure(expected: "8 or 16 bits as the type of the result", got: target.rawValue)
        }
        let places = try scalePlaces(call, x.shape, scale.shape, axis, block)
        guard zero == nil || zero?.shape == scale.shape else {
          throw call.failure(expected: "zero points \(scale.shape)", got: "\(zero?.shape ?? [])")
        }
        let (numbers, factors) = (
          x.detached.converted(to: .float32).scalars(as: Float.self),
          scale.detached.converted(to: .float32).scalars(as: Float.self)
        )
        var elements: [Int64] = []
        elements.reserveCapacity(numbers.count)
        for (index, number) in numbers.enumerated() {
          let place = places(index)
          let rounded = Double((number / factors[place]).rounded(.toNearestOrEven))
          let shifted = Int64(saturating: rounded).addingReportingOverflow(zero?.elements[place] ?? 0)
          let element = shifted.overflow ? (rounded < 0 ? bounds.lowerBound : bounds.upperBound) : shifted.partialValue
          elements.append(min(max(element, bounds.lowerBound), bounds.upperBound))
        }
        return [.integers(IntegerArray(elements, shape: x.shape, format: target))]
      }
    },
    Entry("DequantizeLinear", since: 10) { (node) throws(RecurraError) in
      try node.expectInputs(2...3)
      let (axis, block) = (try node.integer("axis", default: 1), try node.integer("block_size", default: 0))
      return { (call) throws(RecurraError) in
        let (x, scale) = (try call.array(0), try call.tensor(1))
        let zero = try call.optional(2) == nil ? nil : call.array(2)
        guard zero == nil || zero?.shape == scale.shape else {
          throw call.failure(expected: "zero points \(scale.shape)", got: "\(zero?.shape ?? [])")
        }
        let places = try scalePlaces(call, x.shape, scale.shape, axis, block)
        let factors = scale.detached.converted(to: .float32).scalars(as: Float.self)
        var numbers: [Float] = []
        numbers.reserveCapacity(x.elements.count)
        for (index, element) in x.elements.enumerated() {
          let place = places(index)
          numbers.append(Float(element &- (zero?.elements[place] ?? 0)) * factors[place])
        }
        return [.floats(Tensor(numbers, shape: x.shape), try call.value(1).format)]
      }
    },
    Entry("DynamicQuantizeLinear", since: 11, inputs: 1...1) { (call) throws(RecurraError) in
      let x = try call.tensor(0).detached
      let numbers = x.converted(to: .float32).scalars(as: Float.self)
      let (low, high) = (min(0, numbers.min() ?? 0), max(0, numbers.max() ?? 0))
      let scale = high == low ? 1 : (high - low) / 255
      let zero = min(255, max(0, Int64(saturating: Double((-low / scale).rounded(.toNearestOrEven)))))
      let elements = numbers.map { number in
        min(
          255,
          max(
            0,
            Int64(saturating: Double((number / scale).rounded(.toNearestOrEven))).addingReportingOverflow(zero)
              .partialValue))
      }
      return [
        .integers(IntegerArray(elements, shape: x.shape, format: .uint8)), .floats(Tensor(Double(scale))),
        .integers(IntegerArray([zero], shape: [], format: .uint8)),
      ]
    },
    Entry("MatMulInteger", since: 10) { (node) throws(RecurraError) in
      try node.expectInputs(2...4)
      return { (call) throws(RecurraError) in
        let a = try shifted(call, 0, by: 2, alongRows: true)
        let b = try shifted(call, 1, by: 3, alongRows: false)
        return [try product(call, a, b, as: .int32)]
      }
    },
  ]

  /// Which of the scales belongs to an element: one for all, one for each index of an axis, or for blocks of it.
  private static func scalePlaces(
    _ call: OperatorCall, _ shape: [Int], _ scales: [Int], _ wanted: Int, _ block: Int
  ) throws(RecurraError) -> (Int) -> Int {
    if scales.reduce(1, *) == 1 { return { _ in 0 } }
    let axis = try call.axis(wanted, rank: shape.count)
    let (inner, extent) = (max(shape[(axis + 1)...].reduce(1, *), 1), max(shape[axis], 1))
    if scales == [shape[axis]] { return { $0 / inner % extent } }
    var blocked = shape
    guard block > 0, block < 1 << 31, scales.count == shape.count else {
      throw call.failure(expected: "a scale for each of \(shape[axis])", got: "\(scales)")
    }
    blocked[axis] = (shape[axis] + block - 1) / block
    guard blocked == scales else { throw call.failure(expected: "scales \(blocked)", got: "\(scales)") }
    let blocks = blocked[axis]
    return { ($0 / inner / extent * blocks + $0 / inner % extent / block) * inner + $0 % inner }
  }

  /// A matrix without its zero points: one for all, or one for each row of the first and column of the second.
  private static func shifted(
    _ call: OperatorCall, _ index: Int, by zero: Int, alongRows: Bool
  ) throws(RecurraError) -> IntegerArray {
    let array = try call.array(index)
    guard call.optional(zero) != nil else { return IntegerArray(array.elements, shape: array.shape, format: .int32) }
    let offsets = try call.array(zero)
    let shape: [Int]
    if offsets.elements.count == 1 {
      shape = []
    } else if offsets.shape.count == 1 {
      shape = alongRows ? offsets.shape + [1] : offsets.shape
    } else {
      shape = offsets.shape
    }
    guard offsets.elements.count == shape.reduce(1, *), try call.broadcast(array.shape, shape) == array.shape else {
      throw call.failure(expected: "zero points for \(array.shape)", got: "\(offsets.shape)")
    }
    return array.combined(with: offsets.reshaped(shape), array.shape, as: .int32) { $0 &- $1 }
  }
}

extension ElementFormat {
  /// The numbers that a type of 8 or 16 bits has; nil for others.
  fileprivate var bounds: ClosedRange<Int64>? {
    switch self {
    case .uint8: 0...255
    case .int8: -128...127
    case .uint16: 0...65_535
    case .int16: -32_768...32_767
    default: nil
    }
  }
}
