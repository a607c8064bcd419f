internal import RecurraTensor

/// Says which layer of the same model it is whose parameters another layer uses as well.
///
/// A file holds the name of that layer, and the model that is made from it finds the layer.
public final class LayerTie: Sendable {
  private let target: Guarded<(name: String?, layer: (any Layer)?)>

  /// Ties to a layer.
  public init(to layer: any Layer) { target = Guarded((nil, layer)) }

  /// Ties to a layer by the name that its model gives it.
  public init(name: String) { target = Guarded((name, nil)) }

  /// The layer; nil as long as only its name is known.
  public var layer: (any Layer)? { target.withLock { $0.layer } }

  /// The name, as long as the layer is not known.
  var missingName: String? { target.withLock { $0.layer == nil ? $0.name : nil } }

  func resolve(_ layer: any Layer) { target.withLock { $0.layer = layer } }
}

extension LayerEntry {
  /// The argument that names the layer to which another one is tied.
  static let tieName = "tied_to"

  /// What the model adds to the arguments of a layer.
  func additions(among entries: [LayerEntry], _ names: [String]) -> [String: JSONValue] {
    var result: [String: JSONValue] = isFrozen ? ["trainable": .bool(false)] : [:]
    if let tied = layer.tie?.layer, let index = entries.firstIndex(where: { $0.layer === tied }) {
      result[Self.tieName] = .string(names[index])
    }
    return result
  }

  /// Refuses layers that are tied to one which does not stand beside them: a file could not name it.
  ///
  /// - Throws: `badArgument` naming the layer.
  static func checkTies(_ entries: [LayerEntry], _ names: [String]) throws(RecurraError) {
    var pending = zip(names, entries).map { (name: $0, layer: $1.layer, isEntry: true) }
    while let (name, layer, isEntry) = pending.popLast() {
      if let tie = layer.tie {
        let isBeside = isEntry && entries.contains { entry in tie.layer.map { $0 === entry.layer } ?? false }
        guard isBeside else {
          throw RecurraError(
            .badArgument, operation: name, expected: "the layer to which it is tied beside it in the model",
            got: "none")
        }
      }
      if layer.network == nil { pending += layer.sublayers.map { ("\(name)/\($0.role)", $0.layer, false) } }
    }
  }

  /// Finds the layers to which others are tied by name.
  ///
  /// - Throws: `badArgument` for a name that no layer has.
  static func resolveTies(_ entries: [LayerEntry]) throws(RecurraError) {
    let ties = entries.compactMap(\.layer.tie).filter { $0.missingName != nil }
    guard !ties.isEmpty else { return }
    let names = LayerNames.names(for: entries)
    for tie in ties {
      guard let name = tie.missingName else { continue }
      guard let index = names.firstIndex(where: { $0.hasBytes(of: name) }) else {
        throw RecurraError(
          .badArgument, operation: "model", expected: "a layer \(name.excerpt), to which another one is tied",
          got: "none of that name")
      }
      tie.resolve(entries[index].layer)
    }
  }
}
