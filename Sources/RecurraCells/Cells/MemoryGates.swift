/// Says which gates of a cell decide what becomes of the memory: new = keep ⊙ old + enter ⊙ candidate.
///
/// A gate's number is that of its block of H columns in the weights, which is that of its slot too.
public struct MemoryGates: Sendable, Equatable {
  /// The gate that lets the old memory stay: f of an LSTM, z of a GRU.
  public let keep: Int
  /// The gate that lets the candidate in: i of an LSTM; nil where that is 1 − keep, as in a GRU.
  public let enter: Int?

  /// Names the gates.
  public init(keep: Int, enter: Int?) {
    self.keep = keep
    self.enter = enter
  }
}
