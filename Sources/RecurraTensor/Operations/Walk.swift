/// How the elements of one operand lie in its storage.
struct Layout {
  let shape: [Int]
  let strides: [Int]

  /// The stride along an axis of a shape that the operand is stretched to, aligned at the last axis.
  fileprivate func stride(_ axis: Int, of target: [Int]) -> Int {
    let own = axis - (target.count - shape.count)
    return own < 0 || shape[own] != target[axis] ? 0 : strides[own]
  }
}

/// One number for each of up to three operands.
struct Strides: Equatable {
  var first = 0
  var second = 0
  var third = 0

  static func + (left: Strides, right: Strides) -> Strides {
    Strides(
      first: left.first &+ right.first, second: left.second &+ right.second, third: left.third &+ right.third)
  }
  static func * (left: Strides, factor: Int) -> Strides {
    Strides(first: left.first &* factor, second: left.second &* factor, third: left.third &* factor)
  }
}

private struct WalkAxis {
  var extent: Int
  var steps: Strides
  var index = 0
}

/// Walks operands that are stretched to one shape, in row-major order: calls `row` with the position in that order, the
/// length, each operand's offset and each operand's step of every run along the last axis.
///
/// Axes that every operand goes through evenly are merged first, so a dense operation becomes one long run.
@inline(__always)
func walk(
  _ shape: [Int], _ first: Layout, _ second: Layout? = nil, _ third: Layout? = nil,
  _ row: (_ position: Int, _ count: Int, _ offsets: Strides, _ steps: Strides) -> Void
) {
  withUnsafeTemporaryAllocation(of: WalkAxis.self, capacity: shape.count + 1) { axes in
    let depth = merge(shape, first, second, third, into: axes)
    guard depth > 0 else { return }
    let inner = axes[depth - 1]
    var (position, offsets) = (0, Strides())
    while true {
      row(position, inner.extent, offsets, inner.steps)
      position += inner.extent
      var axis = depth - 2
      while axis >= 0 {
        axes[axis].index += 1
        offsets = offsets + axes[axis].steps
        if axes[axis].index < axes[axis].extent { break }
        offsets = offsets + axes[axis].steps * -axes[axis].extent
        axes[axis].index = 0
        axis -= 1
      }
      if axis < 0 { return }
    }
  }
}

/// Writes the merged axes, outermost first, and returns their number: 0 for an empty shape, at least 1 for every other.
private func merge(
  _ shape: [Int], _ first: Layout, _ second: Layout?, _ third: Layout?, into axes: UnsafeMutableBufferPointer<WalkAxis>
) -> Int {
  var depth = 0
  for axis in shape.indices where shape[axis] != 1 {
    if shape[axis] == 0 { return 0 }
    let steps = Strides(
      first: first.stride(axis, of: shape), second: second?.stride(axis, of: shape) ?? 0,
      third: third?.stride(axis, of: shape) ?? 0)
    if depth > 0, axes[depth - 1].steps == steps * shape[axis] {
      axes[depth - 1] = WalkAxis(extent: axes[depth - 1].extent * shape[axis], steps: steps)
    } else {
      axes.initializeElement(at: depth, to: WalkAxis(extent: shape[axis], steps: steps))
      depth += 1
    }
  }
  if depth == 0 {
    // A single element: dense in every operand.
    axes.initializeElement(at: 0, to: WalkAxis(extent: 1, steps: Strides(first: 1, second: 1, third: 1)))
    depth = 1
  }
  return depth
}
