/// What a layer of ids looks up.
public struct IDLookup: Sendable, Equatable {
  /// The number of ids: 0 ..< that.
  public let count: Int
  /// The id that stands for padding behind a row's end; nil where none does.
  public let paddingID: Int?

  /// Describes a lookup.
  public init(count: Int, paddingID: Int? = nil) {
    self.count = count
    self.paddingID = paddingID
  }
}
