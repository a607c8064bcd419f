internal import RecurraTensor

/// Names layers as Keras does.
package enum LayerNames {
  /// Returns the given names, and for the others the class in snake case with _1, _2 … behind the second one of a
  /// class and on.
  ///
  /// A wrapped layer counts, because Keras names it before it is wrapped; the backward copy in a `Bidirectional` does
  /// not.
  static func names(for layers: [LayerEntry]) -> [String] {
    var taken = Set(layers.compactMap(\.name))
    var counts: [String: Int] = [:]
    func next(_ base: String) -> String {
      let count = counts[base, default: 0]
      counts[base] = count + 1
      return count == 0 ? base : "\(base)_\(count)"
    }
    return layers.map { entry in
      if let name = entry.name { return name }
      let layer = entry.layer
      for (role, wrapped) in layer.sublayers where role != "backward_layer" {
        _ = next(snakeCase(type(of: wrapped).typeName))
      }
      var candidate = next(snakeCase(type(of: layer).typeName))
      while !taken.insert(candidate).inserted { candidate = next(snakeCase(type(of: layer).typeName)) }
      return candidate
    }
  }

  /// "SimpleRNN" becomes "simple_rnn"; the name of a layer of one's own becomes one that may stand in a path.
  package static func snakeCase(_ name: String) -> String {
    let characters = Array(name.isEmpty ? "layer" : name.replacing("/", with: "_"))
    var result = ""
    for (index, character) in characters.enumerated() {
      let followsLower = index > 0 && characters[index - 1].isLowercase
      let startsWord = index > 0 && index + 1 < characters.count && characters[index + 1].isLowercase
      if character.isUppercase, followsLower || startsWord { result += "_" }
      result += character.lowercased()
    }
    return result
  }

  /// Adds a layer's name to an error, since a model may have several of a class, and a remedy to one about data.
  static func naming<Result>(
    _ name: String, remedy: @autoclosure () -> String? = nil, _ body: () throws(RecurraError) -> Result
  ) throws(RecurraError) -> Result {
    do { return try body() } catch {
      let shown = name.unicodeScalars.dropFirst(60).isEmpty ? name : name.excerpt
      let remedy = error.kind == .badData ? remedy().map { " (\($0))" } ?? "" : ""
      throw RecurraError(
        error.kind, operation: "\(shown) (\(error.operation))", expected: error.expected + remedy, got: error.got)
    }
  }
}
