public import RecurraTensor

/// What a cell reads and writes at one timestep, going back.
public struct GateBackward<S: FloatingScalar> {
  /// Sequences to compute.
  public let rows: Int
  /// Units of each.
  public let units: Int
  /// Gates in, gradients of the pre-activations out.
  public let gates: Rows<S>
  /// The states before the step: h, and the further ones side by side. Without further ones c is h.
  public let h, c: Rows<S>
  /// The states after the step.
  public let nextH, nextC: Rows<S>
  /// Gradients of the states after the step in; out: the part that reaches the states before it without a product of
  /// this cell.
  public let dh, dc: Rows<S>
  /// The gradient of the scratch rows, after the products of the later phase.
  public let scratch: Rows<S>
  /// What the cell kept going forward; the gates where it kept nothing.
  public let saved: Rows<S>
  /// The named parameters, one behind the other.
  public let parameters: UnsafePointer<S>
}

extension GateBackward {
  /// Calls `body` for some units of a row after the other, with four runs of numbers to work in, one for each unit: few
  /// enough for a caller's stack, and vectors enough.
  @inline(__always)
  func inSpans(_ body: (_ row: Int, _ span: Range<Int>, _ temporary: SpanScratch<S>) -> Void) {
    let most = 64
    withUnsafeTemporaryAllocation(of: S.self, capacity: 4 * most) { numbers in
      guard let base = numbers.baseAddress else { return }
      base.initialize(repeating: 0, count: 4 * most)
      for row in 0..<rows {
        for first in stride(from: 0, to: units, by: most) {
          body(row, first..<min(first + most, units), SpanScratch(base: base, stride: most))
        }
      }
    }
  }
}

/// Runs of numbers that a cell works in.
struct SpanScratch<S> {
  let base: UnsafeMutablePointer<S>
  let stride: Int

  @inline(__always)
  subscript(index: Int) -> UnsafeMutablePointer<S> { base + index * stride }
}
