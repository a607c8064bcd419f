/// The names of a graph and where their values lie; a graph inside a node takes values from around it.
///
/// Two names are one only when their bytes are.
final class NameScope {
  private var places: [[UInt8]: Int] = [:]
  private(set) var placeCount = 0
  /// Names that were found around, in the order of their places among the captures.
  private(set) var captures: [(name: String, place: Int)] = []
  private let outer: NameScope?

  init(inside outer: NameScope? = nil) { self.outer = outer }

  /// Makes a place for a name; nil where the graph has given it already.
  func define(_ name: String) -> Int? {
    let key = Array(name.utf8)
    guard places[key] == nil else { return nil }
    places[key] = placeCount
    placeCount += 1
    return placeCount - 1
  }

  func isDefined(_ name: String) -> Bool { places[Array(name.utf8)] != nil }

  /// A place without a name.
  func anonymous() -> Int {
    placeCount += 1
    return placeCount - 1
  }

  /// The place of a name, here or, by a capture, around; nil where there is none.
  func place(of name: String) -> Int? {
    if let place = places[Array(name.utf8)] { return place }
    guard let outer, outer.place(of: name) != nil, let place = define(name) else { return nil }
    captures.append((name, place))
    return place
  }
}
