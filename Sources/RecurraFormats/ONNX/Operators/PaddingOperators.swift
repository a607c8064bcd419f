internal import RecurraLayers
internal import RecurraTensor

extension OperatorTable {
  /// Numbers around an array.
  static let padding: [Entry] = [
    Entry("Pad") { (node) throws(RecurraError) in
      let mode = try node.text("mode", default: "constant")
      guard ["constant", "edge", "reflect", "wrap"].contains(mode) else {
        throw node.failure(expected: "mode constant, edge, reflect or wrap", got: mode.excerpt)
      }
      let (pads, filler) = (try node.integers("pads"), try node.number("value", default: 0))
      return { (call) throws(RecurraError) in try pad(call, mode, pads, filler) }
    }
  ]

  private static func pad(
    _ call: OperatorCall, _ mode: String, _ attribute: [Int]?, _ number: Double
  ) throws(RecurraError) -> [ONNXValue] {
    let value = try call.value(0)
    let isOld = call.node.version < 11
    var pads: [Int]
    if isOld {
      guard let attribute else { throw call.failure(expected: "an attribute pads", got: "none") }
      pads = attribute
    } else {
      pads = try call.integers(1)
    }
    let filler = isOld ? number : try call.optional(2) == nil ? 0 : call.scalar(2)
    let rank = value.rank
    if let given = try call.optionalIntegers(3) {
      var axes: [Int] = []
      for axis in given { axes.append(try call.axis(axis, rank: rank)) }
      guard Set(axes).count == axes.count, pads.count == 2 * axes.count else {
        throw call.failure(expected: "two pads for each of \(axes.count) axes", got: "\(pads.count)")
      }
      var whole = [Int](repeating: 0, count: 2 * rank)
      for (index, axis) in axes.enumerated() {
        whole[axis] = pads[index]
        whole[rank + axis] = pads[axes.count + index]
      }
      pads = whole
    }
    guard pads.count == 2 * rank, pads.allSatisfy({ $0.magnitude < 1 << 31 }) else {
      throw call.failure(expected: "\(2 * rank) pads", got: "\(pads.count)")
    }
    if pads.allSatisfy({ $0 == 0 }) { return [value] }
    var target: [Int] = []
    for axis in 0..<rank { target.append(value.shape[axis] + pads[axis] + pads[rank + axis]) }
    try call.require(target, value.format)
    // The place along each axis that each element comes from, −1 for the filler.
    var sources: [[Int]] = []
    for axis in 0..<rank {
      let (extent, start) = (value.shape[axis], pads[axis])
      guard extent > 0 || mode == "constant" || target[axis] == 0 else {
        throw call.failure(expected: "elements to repeat", got: "shape \(value.shape)")
      }
      sources.append((0..<target[axis]).map { source($0 - start, extent, mode) })
    }
    var places = [0]
    for axis in 0..<rank {
      var next: [Int] = []
      next.reserveCapacity(places.count * target[axis])
      for place in places {
        for own in sources[axis] { next.append(place < 0 || own < 0 ? -1 : place * value.shape[axis] + own) }
      }
      places = next
    }
    return [value.gathered(places, shape: target, fill: filler)]
  }

  private static func source(_ place: Int, _ extent: Int, _ mode: String) -> Int {
    if (0..<extent).contains(place) { return place }
    switch mode {
    case "edge": return place < 0 ? 0 : extent - 1
    case "wrap": return ((place % extent) + extent) % extent
    case "reflect":
      guard extent > 1 else { return 0 }
      let period = 2 * (extent - 1)
      let turned = ((place % period) + period) % period
      return turned < extent ? turned : period - turned
    default: return -1
    }
  }
}
