internal import RecurraLayers
internal import RecurraTensor

/// A state dict among the tensors of a file: which of them a list of modules names, and where they are.
struct TorchStateDict {
  let network: TorchNetwork
  /// The file with the tensors, for errors.
  let operation: String
  let tensors: NamedValues<StoredTensor>

  /// Finds what the names in the file have in front of the list's: "" or a checkpoint's keys, with a dot.
  ///
  /// - Throws: `badFile` where several places have all tensors of the list.
  private func root(_ needed: [String]) throws(RecurraError) -> String {
    guard let first = needed.first else { return "" }
    let names = Set(tensors.names)
    var roots = names.filter { $0 == first || $0.hasSuffix("." + first) }.map { String($0.dropLast(first.count)) }
    // An empty prefix makes bare names, which end many others: those with everything come first.
    let whole = roots.filter { root in needed.allSatisfy { names.contains(root + $0) } }
    if !whole.isEmpty { roots = whole }
    if roots.contains("") { return "" }
    guard roots.count <= 1 else {
      throw RecurraError(
        .badFile, operation: operation, expected: "one state dict with the list's names",
        got: roots.sorted().prefix(4).map(\.excerpt).joined(separator: ", "))
    }
    return roots.first ?? ""
  }

  /// Sets the layers' weights.
  ///
  /// - Returns: A line about tensors that lie elsewhere in the file, where there are any.
  /// - Throws: `badFile` naming a tensor that is missing, of another shape, or under a listed prefix and taken by none.
  func assign() throws(RecurraError) -> String? {
    let needed = network.parts.flatMap { $0.tensors.map(\.name) }
    var seen: Set<String> = []
    if let twice = needed.first(where: { !seen.insert($0).inserted }) {
      throw RecurraError(
        .badFile, operation: network.operation, expected: "prefixes that differ", got: "\(twice.excerpt) twice")
    }
    let root = try root(needed)
    for part in network.parts {
      var values: [Tensor] = []
      for (name, shape) in part.tensors {
        guard let stored = tensors[root + name] else {
          throw failure("a tensor \((root + name).excerpt)", "none")
        }
        guard stored.shape == shape else {
          throw failure("\((root + name).excerpt) of shape \(shape)", "\(stored.shape)")
        }
        let tensor = try stored.tensor(named: root + name, in: operation)
        guard tensor.dtype.isFloating else {
          throw failure("\((root + name).excerpt) of floating numbers", stored.elementType)
        }
        values.append(tensor)
      }
      do {
        try part.layer.setWeights(part.weights(values))
      } catch {
        throw failure("\(part.tensors.first?.name.excerpt ?? "the weights"): \(error.expected)", error.got)
      }
    }
    return try others(root, Set(needed))
  }

  /// What the file has besides: an error under a listed prefix, a line about the rest.
  private func others(_ root: String, _ needed: Set<String>) throws(RecurraError) -> String? {
    let counters = Set(network.counters.map(\.name))
    let prefixes = network.modules.map(\.prefix)
    var left: [String] = []
    for name in tensors.names {
      guard name.utf8.starts(with: root.utf8) else {
        left.append(name)
        continue
      }
      let own = String(decoding: name.utf8.dropFirst(root.utf8.count), as: UTF8.self)
      if needed.contains(own) || counters.contains(own) { continue }
      let isListed = prefixes.contains { prefix in
        prefix.isEmpty ? !own.contains(".") : own.hasPrefix(prefix + ".")
      }
      guard !isListed else {
        throw failure("tensors that the listed modules have", "\(name.excerpt) besides")
      }
      left.append(name)
    }
    guard !left.isEmpty else { return nil }
    let shown = left.prefix(3).map(\.excerpt).joined(separator: ", ") + (left.count > 3 ? ", …" : "")
    return "\(operation): \(left.count) tensors that the list does not name are left out: \(shown)"
  }

  private func failure(_ expected: String, _ got: String) -> RecurraError {
    RecurraError(.badFile, operation: operation, expected: expected, got: got)
  }

  /// The state dict of a model that a list describes, with the list's names.
  ///
  /// - Throws: `badArgument` for a model whose layers are not those of the list.
  static func tensors(
    of model: any Network, _ list: JSONValue, operation: String
  ) throws(RecurraError) -> NamedValues<StoredTensor> {
    let network = try TorchNetwork(list, operation: operation)
    let layers = model.layers
    var result: NamedValues<StoredTensor> = [:]
    var index = 0
    for entry in network.entries {
      guard index < layers.count, type(of: layers[index]) == type(of: entry.layer) else {
        throw RecurraError(
          .badArgument, operation: operation, expected: "a model with the layers of its list of modules", got: "others")
      }
      let layer = layers[index]
      index += 1
      guard let part = network.parts.first(where: { $0.layer === entry.layer }) else { continue }
      let stored = part.stored(layer.weights)
      guard stored.count == part.tensors.count, zip(stored, part.tensors).allSatisfy({ $0.shape == $1.shape }) else {
        throw RecurraError(
          .badArgument, operation: operation, expected: "weights of the list's shapes", got: "others")
      }
      for (tensor, name) in zip(stored, part.tensors) { result[name.name] = StoredTensor(tensor) }
    }
    for (name, value) in network.counters {
      var bytes: [UInt8] = []
      bytes.appendLittleEndian(UInt64(value), count: 8)
      result[name] = StoredTensor(.int64, shape: [], bytes: bytes)
    }
    return result
  }
}
