internal import RecurraTensor

/// The attributes that say how windows go over an image, and the tables that were made of them.
final class WindowSettings: Sendable {
  let kernel: [Int]?
  let strides: [Int]?
  let dilations: [Int]?
  let pads: [Int]?
  let autoPad: String
  let roundsUp: Bool
  private let last = Guarded<WindowTable?>(nil)

  init(_ node: ONNXNode) throws(RecurraError) {
    func list(_ name: String, _ range: ClosedRange<Int>) throws(RecurraError) -> [Int]? {
      guard let values = try node.integers(name) else { return nil }
      guard values.count <= 16, values.allSatisfy({ range.contains($0) }) else {
        throw node.failure(expected: "\(name) in \(range)", got: "\(values.prefix(16))")
      }
      return values
    }
    let sizes = 1...(1 << 24)
    kernel = try list("kernel_shape", sizes)
    strides = try list("strides", sizes)
    dilations = try list("dilations", sizes)
    pads = try list("pads", 0...(1 << 24))
    autoPad = try node.text("auto_pad", default: "NOTSET")
    roundsUp = try node.flag("ceil_mode")
    guard ["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"].contains(autoPad) else {
      throw node.failure(expected: "auto_pad NOTSET, VALID, SAME_UPPER or SAME_LOWER", got: autoPad.excerpt)
    }
  }

  /// The settings for a number of axes.
  func extents(
    _ call: OperatorCall, kernel given: [Int], axes: Int
  ) throws(RecurraError) -> (strides: [Int], dilations: [Int], pads: [Int]) {
    let ones = [Int](repeating: 1, count: axes)
    let (strides, dilations) = (strides ?? ones, dilations ?? ones)
    let pads =
      autoPad == "NOTSET" ? self.pads ?? [Int](repeating: 0, count: 2 * axes) : [Int](repeating: 0, count: 2 * axes)
    guard given.count == axes, strides.count == axes, dilations.count == axes, pads.count == 2 * axes else {
      throw call.failure(
        expected: "kernel, strides, dilations and pads for \(axes) axes",
        got: "\(given), \(strides), \(dilations) and \(pads)")
    }
    return (strides, dilations, pads)
  }

  /// The table for images of some extents.
  func table(_ call: OperatorCall, image: [Int], kernel: [Int], rows: Int) throws(RecurraError) -> WindowTable {
    if let kept = last.withLock({ $0 }), kept.image == image, kept.kernel == kernel {
      try call.require([rows, kept.entryCount, kept.windowCount])
      return kept
    }
    let axes = image.count
    let (strides, dilations, pads) = try extents(call, kernel: kernel, axes: axes)
    var (starts, ends, windows) = ([Int](), [Int](), [Int]())
    for axis in 0..<axes {
      let reach = (kernel[axis] - 1) * dilations[axis] + 1
      var (before, after) = (pads[axis], pads[axes + axis])
      var count: Int
      if autoPad.hasPrefix("SAME") {
        count = (image[axis] + strides[axis] - 1) / strides[axis]
        let missing = max(0, (count - 1) * strides[axis] + reach - image[axis])
        before = autoPad == "SAME_UPPER" ? missing / 2 : (missing + 1) / 2
        after = missing - before
      } else {
        let room = image[axis] + before + after - reach
        guard room >= 0 else {
          throw call.failure(expected: "an image of at least \(reach) along axis \(axis)", got: "\(image)")
        }
        count = roundsUp ? (room + strides[axis] - 1) / strides[axis] + 1 : room / strides[axis] + 1
        // A window that begins behind the image and the padding in front of it has nothing in it.
        if roundsUp, (count - 1) * strides[axis] >= image[axis] + before { count -= 1 }
      }
      starts.append(-before)
      ends.append(image[axis] + after)
      windows.append(count)
    }
    let entries = MemoryLimit.bytes(kernel + windows)
    try call.require([entries])
    try call.require([rows, kernel.reduce(1, *), windows.reduce(1, *)])
    let table = WindowTable(
      image: image, windows: windows, kernel: kernel, strides: strides, dilations: dilations, starts: starts,
      ends: ends)
    _ = last.exchange(table)
    return table
  }
}
