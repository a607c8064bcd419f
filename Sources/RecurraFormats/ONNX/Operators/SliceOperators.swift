internal import RecurraLayers
internal import RecurraTensor

extension OperatorTable {
  /// Parts of arrays, and arrays of parts.
  static let slicing: [Entry] = [
    Entry("Slice") { (node) throws(RecurraError) in
      let (starts, ends) = (try node.integers("starts"), try node.integers("ends"))
      let axes = try node.integers("axes")
      return { (call) throws(RecurraError) in
        guard call.node.version >= 10 else {
          guard let starts, let ends else { throw call.failure(expected: "attributes starts and ends", got: "none") }
          return [try slice(call, starts, ends, axes, nil)]
        }
        return [
          try slice(
            call, call.integers(1), call.integers(2), call.optionalIntegers(3), call.optionalIntegers(4))
        ]
      }
    },
    Entry("Split") { (node) throws(RecurraError) in
      let (axis, sizes) = (try node.integer("axis", default: 0), try node.integers("split"))
      let count = try node.integer("num_outputs")
      return { (call) throws(RecurraError) in
        let value = try call.value(0)
        guard value.rank > 0 else { throw call.failure(expected: "an axis", got: "a single number") }
        let place = try call.axis(axis, rank: value.rank)
        let given = call.node.version < 13 ? sizes : try call.optionalIntegers(1)
        return try split(call, value, given, count ?? call.node.wantsOutput.count, axis: place)
      }
    },
    Entry("Concat") { (node) throws(RecurraError) in
      try node.expectInputs(1...(1 << 16))
      let axis = try node.integer("axis", default: 1)
      return { (call) throws(RecurraError) in try concatenate(call, axis) }
    },
    Entry("Tile") { (node) throws(RecurraError) in
      try node.expectInputs(2...2)
      return { (call) throws(RecurraError) in
        let (value, counts) = (try call.value(0), try call.integers(1))
        guard counts.count == value.rank, counts.allSatisfy({ $0 >= 0 && $0 < 1 << 31 }) else {
          throw call.failure(expected: "a count for each of \(value.rank) axes", got: "\(counts.prefix(16))")
        }
        let target = zip(value.shape, counts).map { $0 * $1 }
        try call.require(target, value.format)
        // Each axis in two: repetitions, and the elements that are repeated.
        var (own, wide) = ([Int](), [Int]())
        for (extent, count) in zip(value.shape, counts) {
          own += [1, extent]
          wide += [count, extent]
        }
        return [stretched(value.reshaped(own), to: wide).reshaped(target)]
      }
    },
    Entry("Expand", since: 8) { (node) throws(RecurraError) in
      try node.expectInputs(2...2)
      return { (call) throws(RecurraError) in
        let (value, wanted) = (try call.value(0), try call.integers(1))
        guard wanted.count <= 64 else { throw call.failure(expected: "at most 64 axes", got: "\(wanted.count)") }
        let target = try call.broadcast(value.shape, wanted, format: value.format)
        return [stretched(value, to: target)]
      }
    },
  ]

  /// An array repeated along its axes of 1.
  static func stretched(_ value: ONNXValue, to target: [Int]) -> ONNXValue {
    switch value {
    case .floats(let tensor, let format): .floats(tensor.stretched(to: target), format)
    case .integers(let array): .integers(array.stretched(to: target))
    }
  }

  private static func slice(
    _ call: OperatorCall, _ starts: [Int], _ ends: [Int], _ axes: [Int]?, _ steps: [Int]?
  ) throws(RecurraError) -> ONNXValue {
    var value = try call.value(0)
    let axes = axes ?? Array(0..<starts.count)
    let steps = steps ?? [Int](repeating: 1, count: starts.count)
    guard ends.count == starts.count, axes.count == starts.count, steps.count == starts.count,
      starts.count <= value.rank
    else {
      throw call.failure(
        expected: "a start, end, axis and step for at most \(value.rank) axes",
        got: "\(starts.count), \(ends.count), \(axes.count) and \(steps.count)")
    }
    var seen: Set<Int> = []
    for index in starts.indices {
      let axis = try call.axis(axes[index], rank: value.rank)
      let (extent, step) = (value.shape[axis], steps[index])
      guard seen.insert(axis).inserted, step != 0 else {
        throw call.failure(expected: "each axis once and steps that are not 0", got: "axis \(axis), step \(step)")
      }
      func place(_ number: Int, _ low: Int, _ high: Int) -> Int {
        let counted = number < 0 ? (number < -extent ? -1 : number + extent) : min(number, extent)
        return min(max(counted, low), high)
      }
      if step > 0 {
        let (start, end) = (place(starts[index], 0, extent), place(ends[index], 0, extent))
        value = strided(value, start..<max(start, end), axis: axis, step: min(step, max(extent, 1)))
      } else {
        let start = place(starts[index], -1, extent - 1)
        let end = place(ends[index], -1, extent - 1)
        var places: [Int] = []
        var next = start
        while next > end {
          places.append(next)
          let (following, overflow) = next.addingReportingOverflow(step)
          if overflow { break }
          next = following
        }
        value = taken(value, places, shape: [places.count], axis: axis)
      }
    }
    return value
  }

  private static func strided(_ value: ONNXValue, _ range: Range<Int>, axis: Int, step: Int) -> ONNXValue {
    if range == 0..<value.shape[axis], step == 1 { return value }
    if case .floats(let tensor, let format) = value {
      return .floats(tensor.sliced(range, axis: axis, step: step), format)
    }
    let places = Array(stride(from: range.lowerBound, to: range.upperBound, by: step))
    return taken(value, places, shape: [places.count], axis: axis)
  }

  private static func split(
    _ call: OperatorCall, _ value: ONNXValue, _ given: [Int]?, _ count: Int, axis: Int
  ) throws(RecurraError) -> [ONNXValue] {
    let extent = value.shape[axis]
    guard count >= 1, count <= 1 << 16 else { throw call.failure(expected: "at least one part", got: "\(count)") }
    // The last part is the smaller one where the extent cannot be divided.
    let size = (extent + count - 1) / count
    let sizes = given ?? (0..<count).map { min(size, max(0, extent - $0 * size)) }
    let total = sizes.reduce(0) { $0.addingReportingOverflow($1).partialValue }
    guard sizes.allSatisfy({ $0 >= 0 && $0 <= extent }), total == extent,
      given != nil || call.node.version >= 18 || extent % count == 0
    else {
      throw call.failure(expected: "parts of an axis of \(extent)", got: "\(sizes.prefix(16))")
    }
    if case .floats(let tensor, let format) = value {
      return tensor.split(sizes, axis: axis).map { .floats($0, format) }
    }
    var (parts, start) = ([ONNXValue](), 0)
    for size in sizes {
      parts.append(taken(value, Array(start..<(start + size)), shape: [size], axis: axis))
      start += size
    }
    return parts
  }

  private static func concatenate(_ call: OperatorCall, _ wanted: Int) throws(RecurraError) -> [ONNXValue] {
    var values: [ONNXValue] = []
    for index in call.inputs.indices { values.append(try call.value(index)) }
    let first = values[0]
    guard first.rank > 0 else { throw call.failure(expected: "arrays with an axis", got: "single numbers") }
    let axis = try call.axis(wanted, rank: first.rank)
    var target = first.shape
    target[axis] = 0
    for value in values {
      var expected = first.shape
      if value.rank == first.rank { expected[axis] = value.shape[axis] }
      guard value.shape == expected, value.format == first.format else {
        throw call.failure(
          expected: "\(first.format.rawValue) \(first.shape) but for axis \(axis)",
          got: "\(value.format.rawValue) \(value.shape)")
      }
      target[axis] += value.shape[axis]
    }
    try call.require(target, first.format)
    if values.count == 1 { return [first] }
    var tensors: [Tensor] = []
    var arrays: [IntegerArray] = []
    for value in values {
      switch value {
      case .floats(let tensor, _): tensors.append(tensor)
      case .integers(let array): arrays.append(array)
      }
    }
    guard arrays.isEmpty else {
      let outer = first.shape[..<axis].reduce(1, *)
      let widths = arrays.map { $0.shape[axis...].reduce(1, *) }
      var elements: [Int64] = []
      for row in 0..<outer {
        for (array, width) in zip(arrays, widths) { elements += array.elements[(row * width)..<((row + 1) * width)] }
      }
      return [.integers(IntegerArray(elements, shape: target, format: first.format))]
    }
    return [.floats(.concatenated(tensors, axis: axis), first.format)]
  }
}
