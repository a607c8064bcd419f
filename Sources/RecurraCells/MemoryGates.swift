/// Says which slots of a cell decide what becomes of the memory: new = keep ⊙ old + enter ⊙ candidate.
public struct MemoryGates: Sendable, Equatable {
  /// The slot of the gate that lets the old memory stay: f of an LSTM, z of a GRU.
  public let keep: Int
  /// The slot of the gate that lets the candidate in: i of an LSTM; nil where that is 1 − keep, as in a GRU.
  public let enter: Int?

  /// Names the slots.
  public init(keep: Int, enter: Int?) {
    self.keep = keep
    self.enter = enter
  }
}
