/// What a gated cell does with a number of its memory at a timestep: the corners of (input gate, forget gate).
public enum MemoryAction: UInt8, Sendable, CaseIterable, Codable, CustomStringConvertible {
  /// (0, 1): the old memory stays as it is.
  case keep
  /// (1, 1): the candidate is added to the old memory.
  case fuse
  /// (0, 0): nothing stays, and nothing enters.
  case clear
  /// (1, 0): the candidate takes the place of the old memory.
  case replace

  /// The corner that two gates are nearest to, or beyond a threshold of one's own.
  init(entering: Double, keeping: Double, threshold: Double) {
    switch (entering >= threshold, keeping >= threshold) {
    case (false, true): self = .keep
    case (true, true): self = .fuse
    case (false, false): self = .clear
    case (true, false): self = .replace
    }
  }

  /// The name of the corner.
  public var description: String {
    switch self {
    case .keep: "keep"
    case .fuse: "fuse"
    case .clear: "clear"
    case .replace: "replace"
    }
  }
}
