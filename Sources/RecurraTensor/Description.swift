extension Tensor: CustomStringConvertible {
  /// The shape, the type and the elements, the way NumPy prints them; long axes show their first and last three.
  public var description: String {
    let header = "Tensor(shape: \(shape), dtype: \(dtype.rawValue))"
    let values = contiguous.converted(to: dtype == .int32 ? .int32 : .float64)
    let texts = values.visible()
    let width = texts.map(\.count).max() ?? 0
    var remaining = texts[...]
    return header + "\n" + render(axis: 0, width: width, indent: 1, &remaining)
  }

  /// The indices of an axis that are printed; nil stands for the gap.
  private func printed(_ axis: Int) -> [Int?] {
    let extent = shape[axis]
    guard extent > 8, count > 64 else { return Array(0..<extent) }
    return [0, 1, 2, nil, extent - 3, extent - 2, extent - 1]
  }

  /// The texts of the elements that are printed, in order.
  private func visible() -> [String] {
    var indices = [0]
    for axis in shape.indices {
      let stride = strides[axis]
      indices = indices.flatMap { base in printed(axis).compactMap { $0.map { base + $0 * stride } } }
    }
    guard dtype != .int32 else {
      return withPointer(of: Int32.self) { values in indices.map { "\(values[$0])" } }
    }
    return withPointer(of: Double.self) { values in
      let numbers = indices.map { values[$0] }
      let largest = numbers.filter(\.isFinite).map(\.magnitude).max() ?? 0
      let smallest = numbers.filter { $0.isFinite && $0 != 0 }.map(\.magnitude).min() ?? 0
      let scientific = largest >= 1e8 || (smallest > 0 && smallest < 1e-4)
      return numbers.map { scientific ? Self.scientific($0) : Self.fixed($0) }
    }
  }

  private func render(axis: Int, width: Int, indent: Int, _ texts: inout ArraySlice<String>) -> String {
    guard axis < rank else {
      let text = texts.popFirst() ?? ""
      return String(repeating: " ", count: width - text.count) + text
    }
    let isRow = axis == rank - 1
    let parts = printed(axis).map { index in
      index == nil ? "…" : render(axis: axis + 1, width: width, indent: indent + 1, &texts)
    }
    let separator = isRow ? ", " : ",\n" + String(repeating: " ", count: indent)
    return "[" + parts.joined(separator: separator) + "]"
  }

  /// Four decimals, as a person compares numbers.
  static func fixed(_ value: Double) -> String {
    guard value.isFinite, value.magnitude < 1e14 else { return "\(value)" }
    let scaled = (value.magnitude * 10_000).rounded()
    let whole = Int(scaled / 10_000)
    let digits = String(Int(scaled) - whole * 10_000)
    let sign = value < 0 && scaled > 0 ? "-" : ""
    return "\(sign)\(whole)." + String(repeating: "0", count: 4 - digits.count) + digits
  }

  static func scientific(_ value: Double) -> String {
    guard value.isFinite, value != 0 else { return value == 0 ? "0.0000e+00" : "\(value)" }
    var exponent = 0
    var mantissa = value.magnitude
    while mantissa >= 10 {
      mantissa /= 10
      exponent += 1
    }
    while mantissa < 1 {
      mantissa *= 10
      exponent -= 1
    }
    if (mantissa * 10_000).rounded() >= 100_000 {
      mantissa /= 10
      exponent += 1
    }
    let digits = "\(exponent.magnitude)"
    let sign = value < 0 ? "-" : ""
    return sign + fixed(mantissa) + (exponent < 0 ? "e-" : "e+") + (digits.count < 2 ? "0" : "") + digits
  }
}
