internal import RecurraLayers
internal import RecurraTensor

extension OperatorTable {
  /// What depends on the order of elements, or on where they stand.
  static let ordering: [Entry] = [
    Entry("ArgMax") { (node) throws(RecurraError) in try extremum(node) { $0 > $1 } },
    Entry("ArgMin") { (node) throws(RecurraError) in try extremum(node) { $0 < $1 } },
    Entry("TopK") { (node) throws(RecurraError) in
      let (axis, attribute) = (try node.integer("axis", default: -1), try node.integer("k"))
      let isLargest = try node.flag("largest", default: true)
      return { (call) throws(RecurraError) in
        let value = try call.value(0)
        let count: Int
        if call.node.version < 10 {
          guard let attribute else { throw call.failure(expected: "an attribute k", got: "none") }
          count = attribute
        } else {
          count = try call.integer(1)
        }
        return try top(call, value, count, axis, isLargest)
      }
    },
    Entry("NonZero", since: 9, inputs: 1...1) { (call) throws(RecurraError) in
      let value = try call.value(0)
      let numbers = value.doubles
      let places = numbers.indices.filter { numbers[$0] != 0 }
      let (rank, strides) = (max(value.rank, 1), Shape.rowMajorStrides(value.shape))
      try call.require([rank, places.count], .int64)
      var elements: [Int64] = []
      for axis in 0..<rank {
        let (step, extent) = value.rank == 0 ? (1, 1) : (strides[axis], value.shape[axis])
        for place in places { elements.append(Int64(place / step % max(extent, 1))) }
      }
      return [.integers(IntegerArray(elements, shape: [value.rank, places.count], format: .int64).fixed)]
    },
    Entry("CumSum", since: 11) { (node) throws(RecurraError) in
      let (exclusive, reverse) = (try node.flag("exclusive"), try node.flag("reverse"))
      return { (call) throws(RecurraError) in try running(call, exclusive, reverse) }
    },
    Entry("OneHot", since: 9) { (node) throws(RecurraError) in
      try node.expectInputs(3...3)
      let wanted = try node.integer("axis", default: -1)
      return { (call) throws(RecurraError) in
        let indices = try call.value(0)
        let depth = try call.scalar(1)
        guard depth >= 1, depth < 0x1p31, indices.rank < 64 else {
          throw call.failure(expected: "a depth of at least 1", got: "\(depth)")
        }
        let (count, values) = (Int(depth), try call.value(2))
        guard values.count == 2 else { throw call.failure(expected: "two values", got: "shape \(values.shape)") }
        let axis = try call.axis(wanted, rank: indices.rank + 1)
        var target = indices.shape
        target.insert(count, at: axis)
        try call.require(target, values.format)
        let inner = indices.shape[axis...].reduce(1, *)
        var places = [Int](repeating: 0, count: target.reduce(1, *))
        for (position, number) in indices.doubles.enumerated() where number >= -depth && number < depth {
          let index = Int(number) < 0 ? Int(number) + count : Int(number)
          places[(position / inner * count + index) * inner + position % inner] = 1
        }
        return [values.reshaped([2]).gathered(places, shape: target)]
      }
    },
    Entry("Trilu", since: 14) { (node) throws(RecurraError) in
      let isUpper = try node.flag("upper", default: true)
      return { (call) throws(RecurraError) in
        let value = try call.value(0)
        let diagonal = try call.optional(1) == nil ? 0 : call.integer(1)
        guard value.rank >= 2 else { throw call.failure(expected: "matrices", got: "\(value.shape)") }
        let (rows, columns) = (value.shape[value.rank - 2], value.shape[value.rank - 1])
        let bounded = max(-rows - 1, min(columns + 1, diagonal))
        let places = (0..<value.count).map { place in
          let (row, column) = (place / columns % rows, place % columns)
          return (isUpper ? column - row >= bounded : column - row <= bounded) ? place : -1
        }
        return [value.gathered(places, shape: value.shape)]
      }
    },
    Entry("Unique", since: 11) { (node) throws(RecurraError) in
      let isSorted = try node.flag("sorted", default: true)
      guard try node.integer("axis") == nil else {
        throw node.failure(expected: "no axis, all that is supported", got: "one")
      }
      return { (call) throws(RecurraError) in
        let value = try call.value(0)
        let numbers = value.doubles
        var (firsts, counts, found) = ([Int](), [Int64](), [Double: Int]())
        var inverse: [Int] = []
        for (place, number) in numbers.enumerated() {
          if let known = found[number] {
            counts[known] += 1
            inverse.append(known)
          } else {
            found[number] = firsts.count
            inverse.append(firsts.count)
            firsts.append(place)
            counts.append(1)
          }
        }
        let order =
          isSorted ? firsts.indices.sorted { numbers[firsts[$0]] < numbers[firsts[$1]] } : Array(firsts.indices)
        var ranks = order
        for (rank, index) in order.enumerated() { ranks[index] = rank }
        let places = order.map { firsts[$0] }
        return [
          value.gathered(places, shape: [places.count]), .integers(IntegerArray(places)),
          .integers(IntegerArray(inverse.map { ranks[$0] })),
          .integers(IntegerArray(order.map { counts[$0] }, shape: [order.count], format: .int64)),
        ]
      }
    },
  ]

  private static func extremum(
    _ node: ONNXNode, _ isBetter: @escaping @Sendable (Double, Double) -> Bool
  ) throws(RecurraError) -> OperatorBody {
    let (wanted, keeps) = (try node.integer("axis", default: 0), try node.flag("keepdims", default: true))
    let takesLast = try node.flag("select_last_index")
    return { (call) throws(RecurraError) in
      let value = try call.value(0)
      guard value.rank > 0 else { throw call.failure(expected: "an axis", got: "a single number") }
      let axis = try call.axis(wanted, rank: value.rank)
      let (extent, inner) = (value.shape[axis], value.shape[(axis + 1)...].reduce(1, *))
      let outer = value.shape[..<axis].reduce(1, *)
      guard extent > 0 else { throw call.failure(expected: "at least one element", got: "\(value.shape)") }
      let numbers = value.doubles
      var elements: [Int64] = []
      for i in 0..<outer {
        for j in 0..<inner {
          var best = 0
          for k in 1..<max(extent, 1) {
            let (new, old) = (numbers[(i * extent + k) * inner + j], numbers[(i * extent + best) * inner + j])
            if isBetter(new, old) || (takesLast && new == old) || (new.isNaN && !old.isNaN) { best = k }
          }
          elements.append(Int64(best))
        }
      }
      var shape = value.shape
      if keeps { shape[axis] = 1 } else { shape.remove(at: axis) }
      return [.integers(IntegerArray(elements, shape: shape, format: .int64))]
    }
  }

  private static func top(
    _ call: OperatorCall, _ value: ONNXValue, _ count: Int, _ wanted: Int, _ isLargest: Bool
  ) throws(RecurraError) -> [ONNXValue] {
    guard value.rank > 0 else { throw call.failure(expected: "an axis", got: "a single number") }
    let axis = try call.axis(wanted, rank: value.rank)
    let (extent, inner) = (value.shape[axis], value.shape[(axis + 1)...].reduce(1, *))
    let outer = value.shape[..<axis].reduce(1, *)
    guard count >= 0, count <= extent else { throw call.failure(expected: "k in 0...\(extent)", got: "\(count)") }
    let numbers = value.doubles
    var target = value.shape
    target[axis] = count
    var places = [Int](repeating: 0, count: outer * count * inner)
    var indices = [Int64](repeating: 0, count: places.count)
    for i in 0..<outer {
      for j in 0..<inner {
        func number(_ k: Int) -> Double { numbers[(i * extent + k) * inner + j] }
        let order = (0..<extent).sorted { a, b in
          let (x, y) = (number(a), number(b))
          if x == y || (x.isNaN && y.isNaN) { return a < b }
          if x.isNaN || y.isNaN { return x.isNaN == isLargest }
          return isLargest ? x > y : x < y
        }
        for k in 0..<count {
          let place = (i * count + k) * inner + j
          places[place] = (i * extent + order[k]) * inner + j
          indices[place] = Int64(order[k])
        }
      }
    }
    return [value.gathered(places, shape: target), .integers(IntegerArray(indices, shape: target, format: .int64))]
  }

  private static func running(
    _ call: OperatorCall, _ exclusive: Bool, _ reverse: Bool
  ) throws(RecurraError) -> [ONNXValue] {
    let value = try call.value(0)
    guard value.rank > 0 else { throw call.failure(expected: "an axis", got: "a single number") }
    let axis = try call.axis(try call.integer(1), rank: value.rank)
    let (extent, inner) = (value.shape[axis], value.shape[(axis + 1)...].reduce(1, *))
    let outer = value.shape[..<axis].reduce(1, *)
    switch value {
    case .integers(let array):
      var elements = array.elements
      for i in 0..<outer {
        for j in 0..<inner {
          var sum: Int64 = 0
          for step in 0..<extent {
            let place = (i * extent + (reverse ? extent - 1 - step : step)) * inner + j
            let own = array.elements[place]
            elements[place] = IntegerArray.wrapped(exclusive ? sum : sum &+ own, to: array.format)
            sum = sum &+ own
          }
        }
      }
      return [.integers(IntegerArray(elements, shape: array.shape, format: array.format))]
    case .floats(let x, let format):
      @Sendable func sums(_ x: Tensor, _ reverse: Bool) -> Tensor {
        var numbers = ONNXValue.floats(x).doubles
        for i in 0..<outer {
          for j in 0..<inner {
            var sum = 0.0
            for step in 0..<extent {
              let place = (i * extent + (reverse ? extent - 1 - step : step)) * inner + j
              let own = numbers[place]
              numbers[place] = exclusive ? sum : sum + own
              sum += own
            }
          }
        }
        return Tensor(numbers, shape: x.shape).converted(to: x.dtype)
      }
      // What an element has gone into are the sums on its other side.
      return [.floats(sums(x, reverse).derived(from: [x]) { upstream, _ in [sums(upstream, !reverse)] }, format)]
    }
  }
}

extension IntegerArray {
  /// The array without elements where its shape has none: a single number has places without axes.
  fileprivate var fixed: IntegerArray {
    shape.contains(0) ? IntegerArray([], shape: shape, format: format) : self
  }
}
