internal import RecurraLayers
internal import RecurraTensor

extension OperatorTable {
  /// Arrays with other elements at some places.
  static let scattering: [Entry] = [
    Entry("ScatterElements", since: 11, scatterElements), Entry("Scatter", since: 9, scatterElements),
    Entry("ScatterND", since: 11) { (node) throws(RecurraError) in
      try node.expectInputs(3...3)
      let reduction = try Reduction(node)
      return { (call) throws(RecurraError) in
        let (value, indices, updates) = (try call.value(0), try call.array(1), try call.value(2))
        let (starts, width) = try slicePlaces(call, value.shape, indices, batch: 0)
        let wanted = Array(indices.shape.dropLast()) + value.shape.dropFirst(indices.shape.last ?? 0)
        guard updates.shape == wanted else {
          throw call.failure(expected: "updates \(wanted)", got: "\(updates.shape)")
        }
        var places: [Int] = []
        places.reserveCapacity(starts.count * width)
        for start in starts { for offset in 0..<width { places.append(start + offset) } }
        return [try scattered(call, value, places, updates, reduction)]
      }
    },
  ]

  /// What becomes of an element and what is put in its place.
  private enum Reduction: String {
    case none, add, mul, max, min

    init(_ node: ONNXNode) throws(RecurraError) {
      let name = try node.text("reduction", default: "none")
      guard let reduction = Reduction(rawValue: name) else {
        throw node.failure(expected: "reduction none, add, mul, max or min", got: name.excerpt)
      }
      self = reduction
    }

    /// What changes nothing.
    var neutral: Double {
      switch self {
      case .none, .add: 0
      case .mul: 1
      case .max: -.infinity
      case .min: .infinity
      }
    }

    func callAsFunction(_ a: Tensor, _ b: Tensor) -> Tensor {
      switch self {
      case .none: b
      case .add: a + b
      case .mul: a * b
      case .max: .maximum(a, b)
      case .min: .minimum(a, b)
      }
    }

    func callAsFunction<Number: Comparable & Numeric>(_ a: Number, _ b: Number) -> Number {
      switch self {
      case .none: b
      case .add: a + b
      case .mul: a * b
      case .max: Swift.max(a, b)
      case .min: Swift.min(a, b)
      }
    }

    func whole(_ a: Int64, _ b: Int64) -> Int64 {
      switch self {
      case .add: a &+ b
      case .mul: a &* b
      default: self(a, b)
      }
    }
  }

  private static func scatterElements(_ node: ONNXNode) throws(RecurraError) -> OperatorBody {
    try node.expectInputs(3...3)
    let (axis, reduction) = (try node.integer("axis", default: 0), try Reduction(node))
    return { (call) throws(RecurraError) in
      let (value, indices, updates) = (try call.value(0), try call.array(1), try call.value(2))
      guard updates.shape == indices.shape else {
        throw call.failure(expected: "updates \(indices.shape)", got: "\(updates.shape)")
      }
      let places = try elementPlaces(call, value.shape, indices, axis)
      return [try scattered(call, value, places, updates, reduction)]
    }
  }

  private static func scattered(
    _ call: OperatorCall, _ value: ONNXValue, _ places: [Int], _ updates: ONNXValue, _ reduction: Reduction
  ) throws(RecurraError) -> ONNXValue {
    switch (value, updates) {
    case (.integers(let array), .integers(let changes)) where array.format == changes.format:
      var elements = array.elements
      for (index, place) in places.enumerated() {
        let element = reduction.whole(elements[place], changes.elements[index])
        elements[place] = IntegerArray.wrapped(element, to: array.format)
      }
      return .integers(IntegerArray(elements, shape: array.shape, format: array.format))
    case (.floats(let x, let format), .floats(let y, _)) where x.dtype == y.dtype:
      guard x.isTracked || y.isTracked else {
        func put<S: FloatingScalar>(_ type: S.Type) -> Tensor {
          var elements = x.scalars(as: S.self)
          let changes = y.scalars(as: S.self)
          for (index, place) in places.enumerated() { elements[place] = reduction(elements[place], changes[index]) }
          return Tensor(elements, shape: x.shape)
        }
        return .floats(x.dtype == .float64 ? put(Double.self) : put(Float.self), format)
      }
      return .floats(try rounds(call, x, places, y, reduction), format)
    default:
      throw call.failure(
        expected: "updates of type \(value.format.rawValue)", got: updates.format.rawValue)
    }
  }

  /// The same in tensor operations, with a history: what comes several times to one place comes in rounds.
  private static func rounds(
    _ call: OperatorCall, _ x: Tensor, _ places: [Int], _ y: Tensor, _ reduction: Reduction
  ) throws(RecurraError) -> Tensor {
    var rounds: [[Int]] = []
    var taken = [Int](repeating: 0, count: x.count)
    for (index, place) in places.enumerated() {
      let round = reduction == .none ? 0 : taken[place]
      taken[place] += 1
      if round == rounds.count { rounds.append([Int](repeating: -1, count: x.count)) }
      rounds[round][place] = index
      guard rounds.count <= 64 else {
        throw call.failure(expected: "at most 64 updates of a place while gradients are recorded", got: "more")
      }
    }
    var result = x
    for round in rounds {
      guard case .floats(let updates, _) = ONNXValue.floats(y).gathered(round, shape: x.shape, fill: reduction.neutral)
      else { continue }
      if reduction == .none {
        let flags = Tensor(round.map { $0 < 0 ? Int32(0) : 1 }, shape: x.shape)
        result = Tensor.select(flags, updates, result)
      } else {
        result = reduction(result, updates)
      }
    }
    return result
  }
}
