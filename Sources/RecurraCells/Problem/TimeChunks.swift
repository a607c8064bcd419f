/// Stretches of timesteps that a recurrent layer goes back through one by one.
package struct TimeChunks: Sendable {
  /// The number of timesteps of a stretch, at least 1.
  package let size: Int
  /// Tells whether no gradient goes from a stretch to the one before.
  package let cutsGradients: Bool
  /// Tells whether only the states between stretches are kept, and all else is computed a second time on the way back.
  package let recomputes: Bool

  /// Puts stretches together.
  package init(size: Int, cutsGradients: Bool, recomputes: Bool) {
    (self.size, self.cutsGradients, self.recomputes) = (max(1, size), cutsGradients, recomputes)
  }
}
