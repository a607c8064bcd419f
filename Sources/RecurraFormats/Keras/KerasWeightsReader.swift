internal import RecurraLayers
internal import RecurraTensor

/// Finds the weights of a model in what Keras 3, or Keras 2 in its `.weights.h5`, has written.
///
/// Within a model the groups of a class go by number, and so do its layers: the first group that holds variables
/// belongs to the first layer of that class that has weights. So it does not matter that some versions count layers
/// twice.
struct KerasWeightsReader {
  private var found: [(parameter: Parameter, value: Tensor)] = []
  private var seen: Set<ObjectIdentifier> = []

  /// Which parameter gets which value.
  mutating func assignments(
    to model: any Network, from root: HDF5Group
  ) throws(RecurraError) -> [(parameter: Parameter, value: Tensor)] {
    let root = try Self.withFolders(root)
    try read(model, named: model.name, from: root)
    if let own = try root.group("vars")?.datasets().first {
      throw root.damaged("vars", expected: "no weights of the model itself", got: own.path.excerpt)
    }
    return found
  }

  /// Some versions write paths with backslashes, as one name each.
  private static func withFolders(_ root: HDF5Group) throws(RecurraError) -> HDF5Group {
    guard root.members.contains(where: { $0.name.contains("\\") }) else { return root }
    var result = HDF5Group(operation: root.operation)
    for (path, dataset) in try root.datasets() {
      result.add(dataset, at: path.split { $0 == "\\" || $0 == "/" }.map(String.init))
    }
    return result
  }

  private mutating func read(_ layer: any Layer, named name: String, from group: HDF5Group) throws(RecurraError) {
    guard seen.insert(ObjectIdentifier(layer)).inserted else { return }
    switch KerasPlace(layer) {
    case .layers(let layers):
      try readLayers(zip(layers, layer.network?.layerNames ?? []).map { ($0, $1) }, from: group)
    case .parts(let parts):
      for (attribute, part) in parts where hasNewWeights(part) {
        guard let inner = try group.group(attribute) else {
          throw group.damaged(attribute, expected: "weights of \(name.excerpt)", got: "none")
        }
        try read(part, named: "\(name).\(attribute)", from: inner)
      }
    case .cells(let layers): try readCells(layers, named: name, from: group)
    case .variables(let groups):
      var values: [StoredTensor] = []
      for (attributes, _) in groups {
        let inner = try attributes.isEmpty ? group : Self.first(of: attributes, in: group)
        values += try Self.variables(try inner?.group("vars"))
      }
      try assign(values, to: layer, named: name, group)
    }
  }

  private mutating func readLayers(
    _ layers: [(layer: any Layer, name: String)], from group: HDF5Group
  ) throws(RecurraError) {
    let container = try Self.first(of: ["layers", "_layer_checkpoint_dependencies"], in: group)
    var groups: [String: [HDF5Group]] = [:]
    for (layer, _) in layers {
      let name = KerasPlace.className(of: layer)
      if groups[name] == nil { groups[name] = try Self.numbered(name, in: container) }
    }
    for (layer, name) in layers where hasNewWeights(layer) {
      let className = KerasPlace.className(of: layer)
      guard let inner = groups[className]?.first else {
        throw (container ?? group).damaged(
          className, expected: "weights of \(name.excerpt) (\(type(of: layer).typeName))", got: "none")
      }
      groups[className]?.removeFirst()
      try read(layer, named: name, from: inner)
    }
    try Self.refuseFurther(in: container, except: Set(groups.keys), groups.values.joined().first)
  }

  private mutating func readCells(
    _ layers: [any RecurrentLayer], named name: String, from group: HDF5Group
  ) throws(RecurraError) {
    guard let cell = try group.group("cell") else {
      throw group.damaged("cell", expected: "weights of \(name.excerpt)", got: "none")
    }
    guard let cells = try cell.group("cells") else {
      guard let layer = layers.first, layers.count == 1 else {
        throw cell.damaged("cells", expected: "weights of the cells of \(name.excerpt)", got: "none")
      }
      return try assign(try Self.variables(try cell.group("vars")), to: layer, named: name, cell)
    }
    var groups: [String: [HDF5Group]] = [:]
    for layer in layers {
      let className = KerasPlace.cellName(of: layer)
      if groups[className] == nil { groups[className] = try Self.numbered(className, in: cells) }
      guard let inner = groups[className]?.first else {
        throw cells.damaged(className, expected: "weights of a cell of \(name.excerpt)", got: "none")
      }
      groups[className]?.removeFirst()
      try assign(try Self.variables(try inner.group("vars")), to: layer, named: name, inner)
    }
    try Self.refuseFurther(in: cells, except: Set(groups.keys), groups.values.joined().first)
  }

  /// Tells whether a layer has weights that have not been met before.
  private func hasNewWeights(_ layer: any Layer) -> Bool {
    KerasPlace.leaves(of: layer).contains { !$0.parameters.isEmpty && !seen.contains(ObjectIdentifier($0)) }
  }

  private mutating func assign(
    _ values: [StoredTensor], to layer: any Layer, named name: String, _ group: HDF5Group
  ) throws(RecurraError) {
    found += try Self.assignments(of: values, to: layer, named: name, group)
  }

  /// Which parameter of a layer gets which value.
  static func assignments(
    of values: [StoredTensor], to layer: any Layer, named name: String, _ group: HDF5Group
  ) throws(RecurraError) -> [(parameter: Parameter, value: Tensor)] {
    let weights = layer.weights.count
    guard values.count == weights else {
      throw group.damaged(
        expected: "\(weights) weights of \(name.excerpt) (\(type(of: layer).typeName))", got: "\(values.count)")
    }
    var tensors: [Tensor] = []
    for value in values { tensors.append(try value.tensor(named: group.path, in: group.operation)) }
    var remaining = tensors[...]
    do {
      return try layer.assignments(from: &remaining)
    } catch {
      throw group.damaged(expected: "\(name.excerpt) (\(error.operation)): \(error.expected)", got: error.got)
    }
  }

  private static func first(of names: [String], in group: HDF5Group) throws(RecurraError) -> HDF5Group? {
    for name in names {
      if let found = try group.group(name) { return found }
    }
    return nil
  }

  /// The groups of a class that hold variables, in the order of their numbers.
  private static func numbered(_ name: String, in group: HDF5Group?) throws(RecurraError) -> [HDF5Group] {
    guard let group else { return [] }
    var found: [(number: Int, group: HDF5Group)] = []
    for (member, _) in group.members {
      guard let number = number(of: member, name), let inner = try group.group(member) else { continue }
      if try inner.datasets().contains(where: { !$0.path.contains("seed_generator/") }) {
        found.append((number, inner))
      }
    }
    return found.sorted { $0.number < $1.number }.map(\.group)
  }

  /// 0 for a class's name alone, 1 for "lstm_1"; nil for other names.
  private static func number(of member: String, _ name: String) -> Int? {
    if member == name { return 0 }
    guard member.hasPrefix(name + "_") else { return nil }
    return Int(member.dropFirst(name.count + 1)).flatMap { $0 > 0 ? $0 : nil }
  }

  /// Refuses weights that no layer takes.
  private static func refuseFurther(
    in group: HDF5Group?, except names: Set<String>, _ left: HDF5Group?
  ) throws(RecurraError) {
    if let left { throw left.damaged(expected: "weights that a layer of the model takes", got: "further ones") }
    guard let group else { return }
    for (member, _) in group.members where !names.contains(where: { number(of: member, $0) != nil }) {
      guard let inner = try group.group(member), try !inner.datasets().isEmpty else { continue }
      throw inner.damaged(expected: "weights that a layer of the model takes", got: "further ones")
    }
  }

  /// The variables of an object: numbered from 0.
  static func variables(_ group: HDF5Group?) throws(RecurraError) -> [StoredTensor] {
    guard let group else { return [] }
    var values: [StoredTensor] = []
    for index in 0..<group.members.count {
      guard let dataset = try group.dataset("\(index)") else {
        throw group.damaged("\(index)", expected: "a dataset, numbered from 0", got: "none")
      }
      values.append(try dataset.tensor(named: "\(group.path)/\(index)"))
    }
    return values
  }
}
