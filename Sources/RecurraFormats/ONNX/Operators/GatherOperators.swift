internal import RecurraLayers
internal import RecurraTensor

extension OperatorTable {
  /// Elements and slices at places that other arrays name.
  static let gathering: [Entry] = [
    Entry("Gather") { (node) throws(RecurraError) in
      try node.expectInputs(2...2)
      let axis = try node.integer("axis", default: 0)
      return { (call) throws(RecurraError) in try gather(call, axis) }
    },
    Entry("GatherElements", since: 11) { (node) throws(RecurraError) in
      try node.expectInputs(2...2)
      let axis = try node.integer("axis", default: 0)
      return { (call) throws(RecurraError) in
        let (value, indices) = (try call.value(0), try call.array(1))
        let places = try elementPlaces(call, value.shape, indices, axis)
        return [value.gathered(places, shape: indices.shape)]
      }
    },
    Entry("GatherND", since: 11) { (node) throws(RecurraError) in
      try node.expectInputs(2...2)
      let batch = try node.integer("batch_dims", default: 0)
      return { (call) throws(RecurraError) in
        let (value, indices) = (try call.value(0), try call.array(1))
        let (places, width) = try slicePlaces(call, value.shape, indices, batch: batch)
        let tail = Array(value.shape.dropFirst(batch + (indices.shape.last ?? 0)))
        let target = Array(indices.shape.dropLast()) + tail
        try call.require(target, value.format)
        var all: [Int] = []
        all.reserveCapacity(places.count * width)
        for place in places { for offset in 0..<width { all.append(place + offset) } }
        return [value.gathered(all, shape: target)]
      }
    },
    Entry("Compress", since: 9) { (node) throws(RecurraError) in
      try node.expectInputs(2...2)
      let wanted = try node.integer("axis")
      return { (call) throws(RecurraError) in
        let (value, flags) = (try call.value(0), try call.array(1))
        let axis = try wanted.map { (axis) throws(RecurraError) in try call.axis(axis, rank: value.rank) }
        let extent = axis.map { value.shape[$0] } ?? value.count
        let kept = flags.elements.indices.filter { flags.elements[$0] != 0 }
        guard flags.shape.count == 1, kept.last ?? -1 < extent else {
          throw call.failure(expected: "at most \(extent) truth values", got: "shape \(flags.shape)")
        }
        let flat = axis == nil ? value.reshaped([value.count]) : value
        return [taken(flat, kept, shape: [kept.count], axis: axis ?? 0)]
      }
    },
    Entry("ReverseSequence", since: 10) { (node) throws(RecurraError) in
      try node.expectInputs(2...2)
      let (time, batch) = (try node.integer("time_axis", default: 0), try node.integer("batch_axis", default: 1))
      return { (call) throws(RecurraError) in try reverse(call, time: time, batch: batch) }
    },
  ]

  /// Indices along an axis, counted from the end where they are negative.
  static func checked(
    _ call: OperatorCall, _ indices: [Int64], extent: Int
  ) throws(RecurraError) -> [Int] {
    var result: [Int] = []
    result.reserveCapacity(indices.count)
    for index in indices {
      guard index >= -Int64(extent), index < Int64(extent) else {
        throw call.failure(expected: "an index into \(extent)", got: "\(index)")
      }
      result.append(Int(index) + (index < 0 ? extent : 0))
    }
    return result
  }

  private static func gather(_ call: OperatorCall, _ wanted: Int) throws(RecurraError) -> [ONNXValue] {
    let (value, indices) = (try call.value(0), try call.array(1))
    guard value.rank > 0 else { throw call.failure(expected: "an axis", got: "a single number") }
    let axis = try call.axis(wanted, rank: value.rank)
    let target = Array(value.shape[..<axis]) + indices.shape + Array(value.shape[(axis + 1)...])
    try call.require(target, value.format)
    let places = try checked(call, indices.elements, extent: value.shape[axis])
    return [taken(value, places, shape: indices.shape, axis: axis)]
  }

  /// The slices at some places of an axis, which becomes the axes of `shape`.
  static func taken(_ value: ONNXValue, _ places: [Int], shape: [Int], axis: Int) -> ONNXValue {
    let (before, after) = (Array(value.shape[..<axis]), Array(value.shape[(axis + 1)...]))
    let target = before + shape + after
    if case .floats(let tensor, let format) = value {
      guard !target.contains(0) else { return .floats(.zeros(target, dtype: tensor.dtype), format) }
      if places.count == 1 {
        return .floats(tensor.sliced(places[0]..<(places[0] + 1), axis: axis).reshaped(target), format)
      }
      let indices = Tensor(places.map { Int32(truncatingIfNeeded: $0) })
      if axis == 0 { return .floats(tensor.gathered(indices).reshaped(target), format) }
      // The axis comes to the front and its slices go back in place.
      let order = [axis] + (0..<axis) + ((axis + 1)..<tensor.rank)
      let rows = tensor.permuted(order).gathered(indices)
      let back = Array(1...axis) + [0] + Array((axis + 1)..<rows.rank)
      return .floats(rows.permuted(back).reshaped(target), format)
    }
    let (outer, inner, extent) = (before.reduce(1, *), after.reduce(1, *), value.shape[axis])
    var all: [Int] = []
    all.reserveCapacity(outer * places.count * inner)
    for i in 0..<outer {
      for place in places { for j in 0..<inner { all.append((i * extent + place) * inner + j) } }
    }
    return value.gathered(all, shape: target)
  }

  /// For each element of the indices, the place in an array of `shape` that has its index along the axis.
  static func elementPlaces(
    _ call: OperatorCall, _ shape: [Int], _ indices: IntegerArray, _ wanted: Int
  ) throws(RecurraError) -> [Int] {
    guard shape.count == indices.shape.count, !shape.isEmpty else {
      throw call.failure(expected: "indices of \(shape.count) axes", got: "\(indices.shape)")
    }
    let axis = try call.axis(wanted, rank: shape.count)
    for other in shape.indices where other != axis && indices.shape[other] > shape[other] {
      throw call.failure(expected: "indices within \(shape) but for axis \(axis)", got: "\(indices.shape)")
    }
    let own = try checked(call, indices.elements, extent: shape[axis])
    var strides = Shape.rowMajorStrides(shape)
    let step = strides[axis]
    strides[axis] = 0
    let places = Broadcasting.places(shape: indices.shape, strides: strides, offset: 0)
    return places.indices.map { places[$0] + own[$0] * step }
  }

  /// Where the slices begin that tuples of indices name, and how many elements each has.
  static func slicePlaces(
    _ call: OperatorCall, _ shape: [Int], _ indices: IntegerArray, batch: Int
  ) throws(RecurraError) -> (places: [Int], width: Int) {
    let length = indices.shape.last ?? 0
    guard !indices.shape.isEmpty, batch >= 0, batch < indices.shape.count, batch + length <= shape.count, length > 0,
      indices.shape.prefix(batch) == shape.prefix(batch)
    else {
      throw call.failure(expected: "tuples of indices into \(shape)", got: "shape \(indices.shape)")
    }
    let strides = Shape.rowMajorStrides(shape)
    let tuples = indices.elements.count / length
    let rows = indices.shape.prefix(batch).reduce(1, *)
    let perRow = rows > 0 ? tuples / rows : 0
    var places: [Int] = []
    places.reserveCapacity(tuples)
    for tuple in 0..<tuples {
      var place = batch > 0 ? tuple / perRow * strides[batch - 1] : 0
      for axis in 0..<length {
        let (index, extent) = (indices.elements[tuple * length + axis], shape[batch + axis])
        guard index >= -Int64(extent), index < Int64(extent) else {
          throw call.failure(expected: "an index into \(extent)", got: "\(index)")
        }
        place += (Int(index) + (index < 0 ? extent : 0)) * strides[batch + axis]
      }
      places.append(place)
    }
    return (places, shape[(batch + length)...].reduce(1, *))
  }

  private static func reverse(_ call: OperatorCall, time: Int, batch: Int) throws(RecurraError) -> [ONNXValue] {
    let (value, lengths) = (try call.value(0), try call.array(1))
    guard value.rank >= 2, (time == 0 && batch == 1) || (time == 1 && batch == 0) else {
      throw call.failure(expected: "time and batch as the first two axes", got: "\(time) and \(batch)")
    }
    let (timesteps, rows) = (value.shape[time], value.shape[batch])
    guard lengths.elements.count == rows, lengths.elements.allSatisfy({ (0...Int64(timesteps)).contains($0) }) else {
      throw call.failure(expected: "\(rows) lengths in 0...\(timesteps)", got: "shape \(lengths.shape), or other ones")
    }
    let width = value.shape.dropFirst(2).reduce(1, *)
    var places: [Int] = []
    places.reserveCapacity(value.count)
    for first in 0..<value.shape[0] {
      for second in 0..<value.shape[1] {
        let (step, row) = time == 0 ? (first, second) : (second, first)
        let length = Int(lengths.elements[row])
        let source = step < length ? length - 1 - step : step
        let start = (time == 0 ? source * rows + row : row * timesteps + source) * width
        for offset in 0..<width { places.append(start + offset) }
      }
    }
    return [value.gathered(places, shape: value.shape)]
  }
}
