internal import RecurraLayers
internal import RecurraTensor

/// Weights in the files of Keras 1 and 2, and in Keras 3's `.h5`: a group for each layer by its name, and a list of
/// what is in it, those that are trained first.
struct LegacyKerasWeights {
  private let group: HDF5Group
  private let isFirstVersion: Bool

  /// The group that the layers' groups are in; nil for a file of another kind.
  static func group(in root: HDF5Group) throws(RecurraError) -> HDF5Group? {
    let group = try root.group("model_weights") ?? root
    let isLegacy = group.attributes["layer_names"] != nil || group.attributes["layer_names0"] != nil
    return isLegacy ? group : nil
  }

  init(_ group: HDF5Group) {
    self.group = group
    let version = group.attributes["keras_version"]?.text ?? "1"
    isFirstVersion = version == "1" || version.hasPrefix("1.")
  }

  /// Which parameter gets which value.
  func assignments(to model: any Network) throws(RecurraError) -> [(parameter: Parameter, value: Tensor)] {
    var saved: [HDF5Group] = []
    for name in try Self.texts(group, "layer_names") {
      guard let inner = try group.group(name) else {
        throw group.damaged(name, expected: "the weights of a layer", got: "none")
      }
      if try !Self.texts(inner, "weight_names").isEmpty { saved.append(inner) }
    }
    let layers = zip(model.layers, model.layerNames).filter { !$0.0.parameters.isEmpty }
    guard layers.count == saved.count else {
      throw group.damaged(expected: "\(layers.count) layers with weights", got: "\(saved.count)")
    }
    let byName = Dictionary(saved.map { ($0.path, $0) }) { first, _ in first }
    let named = layers.compactMap { byName["\(group.path)/\($0.1)"] }
    var result: [(parameter: Parameter, value: Tensor)] = []
    // Where names differ, the order counts, as in Keras.
    for ((layer, name), inner) in zip(layers, named.count == saved.count ? named : saved) {
      result += try assignments(to: layer, named: name, inner)
    }
    if let own = try group.group("top_level_model_weights"), try !Self.texts(own, "weight_names").isEmpty {
      throw own.damaged(expected: "no weights of the model itself", got: "some")
    }
    return result
  }

  private func assignments(
    to layer: any Layer, named name: String, _ inner: HDF5Group
  ) throws(RecurraError) -> [(parameter: Parameter, value: Tensor)] {
    var leaves: [any Layer] = []
    for leaf in KerasPlace.leaves(of: layer) where !leaves.contains(where: { $0 === leaf }) { leaves.append(leaf) }
    // What is trained comes first, layer by layer, then what is not.
    var slots: [(leaf: Int, weight: Int, isTrained: Bool)] = []
    for (index, leaf) in leaves.enumerated() {
      let (parameters, count) = (leaf.parameters, leaf.weights.count)
      for weight in 0..<count {
        let isTrained = parameters.count == count ? parameters[weight].isTrainable : leaf.isTrainable
        slots.append((index, weight, isTrained))
      }
    }
    let ordered = slots.filter(\.isTrained) + slots.filter { !$0.isTrained }
    var given = try Self.values(of: inner, "weight_names").map(\.value)
    if given.count != ordered.count, leaves.count == 1 || given.count == 24 || given.count == 18 {
      given = FirstKerasWeights.joined(given)
    }
    guard given.count == ordered.count else {
      throw inner.damaged(
        expected: "\(ordered.count) weights of \(name.excerpt) (\(type(of: layer).typeName))", got: "\(given.count)")
    }
    var values = leaves.map { [StoredTensor?](repeating: nil, count: $0.weights.count) }
    for (slot, value) in zip(ordered, given) { values[slot.leaf][slot.weight] = value }
    var result: [(parameter: Parameter, value: Tensor)] = []
    for (leaf, own) in zip(leaves, values) {
      let adapted = FirstKerasWeights.adapted(own.compactMap { $0 }, to: leaf, isFirstVersion: isFirstVersion)
      result += try KerasWeightsReader.assignments(of: adapted, to: leaf, named: name, inner)
    }
    return result
  }

  /// Names and values in the order of a list of names.
  static func values(
    of group: HDF5Group, _ list: String
  ) throws(RecurraError) -> [(name: String, value: StoredTensor)] {
    var values: [(name: String, value: StoredTensor)] = []
    for name in try texts(group, list) {
      guard let dataset = try group.dataset(name) else {
        throw group.damaged(name, expected: "a dataset", got: "none")
      }
      values.append((name, try dataset.tensor(named: "\(group.path)/\(name)")))
    }
    return values
  }

  /// A list of texts, which Keras cuts into pieces where it is too long for one attribute.
  private static func texts(_ group: HDF5Group, _ name: String) throws(RecurraError) -> [String] {
    func list(_ name: String) throws(RecurraError) -> [String]? {
      guard let value = group.attributes[name] else { return nil }
      guard let texts = value.texts else {
        throw group.damaged(expected: "a list of texts as attribute \(name)", got: "another value")
      }
      return texts
    }
    if let whole = try list(name) { return whole }
    var all: [String] = []
    var piece = 0
    while let next = try list("\(name)\(piece)") {
      all += next
      piece += 1
    }
    guard piece > 0 else { throw group.damaged(expected: "an attribute \(name)", got: "none") }
    return all
  }
}
