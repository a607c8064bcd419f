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
