extension Tensor: CustomStringConvertible {
  /// The shape, the type and the elements, the way NumPy prints them; of large tensors a few from each end of each
  /// axis.
  ///
  /// - Complexity: at most about a thousand elements are read and printed, however many there are.
  public var description: String {
    let header = "Tensor(shape: \(Shape.text(shape)), dtype: \(dtype.rawValue))"
    // Nobody reads so many brackets.
    guard rank <= 16 else { return header }
    let indices = printedIndices
    let texts = printedTexts(indices)
    let width = texts.map(\.count).max() ?? 0
    var remaining = texts[...]
    return header + "\n" + Self.render(indices[...], width: width, indent: 1, &remaining)
  }

  /// The indices of each axis that are printed; nil stands for a gap.
  private var printedIndices: [[Int?]] {
    func ends(_ extent: Int, _ count: Int) -> [Int?] {
      extent <= 2 * count ? Array(0..<extent) : Array(0..<count) + [nil] + Array((extent - count)..<extent)
    }
    if count <= 64 { return shape.map { Array(0..<$0) } }
    var indices = shape.map { $0 > 8 ? ends($0, 3) : Array(0..<$0) }
    // In Double, where the product of many axes does not overflow.
    func isTooMuch() -> Bool { indices.reduce(1.0) { $0 * Double($1.count { $0 != nil }) } > 1_000 }
    for count in [3, 2, 1] where isTooMuch() { indices = shape.map { ends($0, count) } }
    for axis in shape.indices where isTooMuch() && shape[axis] > 1 { indices[axis] = [0, nil] }
    return indices
  }

  /// The texts of the elements that are printed, in order.
  private func printedTexts(_ indices: [[Int?]]) -> [String] {
    var places = [0]
    for (axis, indices) in indices.enumerated() {
      places = places.flatMap { base in indices.compactMap { $0.map { base + $0 * strides[axis] } } }
    }
    func numbers<S: TensorScalar>(_ type: S.Type) -> [Double] {
      withPointer(of: S.self) { values in places.map { values[$0].asDouble } }
    }
    if dtype == .int32 { return numbers(Int32.self).map { "\(Int($0))" } }
    let numbers = dtype == .float64 ? numbers(Double.self) : numbers(Float.self)
    let largest = numbers.filter(\.isFinite).map(\.magnitude).max() ?? 0
    let smallest = numbers.filter { $0.isFinite && $0 != 0 }.map(\.magnitude).min() ?? 0
    let isScientific = largest >= 1e8 || (smallest > 0 && smallest < 1e-4)
    return numbers.map { isScientific ? Self.scientific($0) : Self.fixed($0) }
  }

  private static func render(
    _ indices: ArraySlice<[Int?]>, width: Int, indent: Int, _ texts: inout ArraySlice<String>
  ) -> String {
    guard let axis = indices.first else {
      let text = texts.popFirst() ?? ""
      return String(repeating: " ", count: width - text.count) + text
    }
    let parts = axis.map { index in
      index == nil ? "…" : render(indices.dropFirst(), width: width, indent: indent + 1, &texts)
    }
    let separator = indices.count == 1 ? ", " : ",\n" + String(repeating: " ", count: indent)
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
