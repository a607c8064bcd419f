package import RecurraCells

/// How far gradients go back through time, and what is kept for them.
public struct Unrolling: Sendable, Equatable {
  /// No gradient goes back across every so many timesteps, counted from where a row begins; nil for all the way.
  public var truncation: Int?
  /// Tells whether only states between stretches of timesteps are kept, and all else is computed a second time on the
  /// way back: a third more work for memory that grows with √T instead of T.
  public var recomputes: Bool

  /// Makes a way; the plain one when nothing is said.
  public init(truncation: Int? = nil, recomputes: Bool = false) {
    (self.truncation, self.recomputes) = (truncation, recomputes)
  }

  /// The stretches for sequences of so many timesteps; nil where they are gone through in one go.
  package func chunks(timesteps: Int) -> TimeChunks? {
    if let truncation { return TimeChunks(size: truncation, cutsGradients: true, recomputes: recomputes) }
    guard recomputes else { return nil }
    let size = Int(Double(timesteps).squareRoot().rounded(.up))
    return TimeChunks(size: size, cutsGradients: false, recomputes: true)
  }
}
