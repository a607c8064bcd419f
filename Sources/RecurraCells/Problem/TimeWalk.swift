/// How a recurrent layer walks through time: over which timesteps, and how gradients go back.
package struct TimeWalk: Sendable {
  /// The valid timesteps of each row (right-padded); nil when all are full.
  package var lengths: [Int]?
  /// What rows with holes, or rows that begin anew, consist of; in the place of `lengths`.
  package var pieces: SequencePieces?
  /// Where gradients are cut or what lies behind them is computed again; nil for neither.
  package var chunks: TimeChunks?

  /// Puts a walk together.
  package init(lengths: [Int]? = nil, pieces: SequencePieces? = nil, chunks: TimeChunks? = nil) {
    (self.lengths, self.pieces, self.chunks) = (lengths, pieces, chunks)
  }
}

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
