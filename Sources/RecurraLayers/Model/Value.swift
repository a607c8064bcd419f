package import RecurraCells
public import RecurraTensor

/// What flows between layers: a tensor, and which of its timesteps count.
public struct Value: Sendable {
  /// The numbers, batch first: [B, …].
  public var tensor: Tensor {
    get { source.tensor }
    set { source = .tensor(newValue) }
  }
  /// The numbers, or where they are looked up as long as they are not asked for.
  package private(set) var source: InputSource
  /// Which timesteps count, the second axis being time.
  public var mask: SequenceMask

  /// Makes a value.
  public init(_ tensor: Tensor, mask: SequenceMask = .all) { self.init(.tensor(tensor), mask: mask) }

  /// Makes a value of numbers that may have to be looked up first.
  package init(_ source: InputSource, mask: SequenceMask) { (self.source, self.mask) = (source, mask) }

  /// The extents of the tensor.
  package var shape: [Int] { source.shape }
}
