import RecurraTensor

/// A function whose argument may be clipped to −bound…bound first: ONNX's attribute clip.
struct ClippedActivation: Sendable {
  let activation: Activation
  let bound: Double?

  /// Tells whether the derivative depends on the argument as it was before it was clipped.
  var needsArgument: Bool { activation.needsArgument || bound != nil }

  /// Puts the function of some numbers in their place.
  func apply<S: FloatingScalar>(_ values: UnsafeMutablePointer<S>, _ count: Int) {
    apply(to: values, into: values, count)
  }

  /// Writes the function of some numbers, which may lie in the same place.
  func apply<S: FloatingScalar>(to values: UnsafePointer<S>, into results: UnsafeMutablePointer<S>, _ count: Int) {
    guard let bound else { return activation.apply(to: values, into: results, count) }
    let most = S(bound)
    for i in 0..<count { results[i] = values[i] > most ? most : values[i] < -most ? -most : values[i] }
    activation.apply(results, count)
  }

  /// Writes the derivative at some of the function's values and their arguments, which are read where it needs them
  /// alone.
  func slopes<S: FloatingScalar>(
    of values: UnsafePointer<S>, at arguments: UnsafePointer<S>, into slopes: UnsafeMutablePointer<S>, _ count: Int
  ) {
    activation.slopes(of: values, at: arguments, into: slopes, count)
    guard let bound else { return }
    let most = S(bound)
    for i in 0..<count where arguments[i].magnitude > most { slopes[i] = 0 }
  }
}
