internal import RecurraTensor

extension Optimizer.Clipping {
  /// Tells whether each weight is cut by its own norm: kernel and recurrent kernel are two, as in Keras.
  var isOfEachWeight: Bool { if case .norm = self { true } else { false } }

  /// What a weight's gradient is multiplied by where it is cut by its own norm; nil where it is not.
  func scale(of gradient: Gradient, _ scale: Double) -> Double? {
    guard case .norm(let limit) = self else { return nil }
    return Self.scale(gradient.storedSumOfSquares * scale * scale, to: limit, scale)
  }

  static func scale(_ squares: Double, to limit: Double, _ scale: Double) -> Double {
    scale * (limit / max(squares.squareRoot(), limit))
  }
}
