internal import RecurraLayers
internal import RecurraTensor

/// Lays the weights of a model out as Keras 3 does.
struct KerasWeightsWriter {
  private var root = HDF5Group()
  /// A layer that is shared is written where it is met first.
  private var seen: Set<ObjectIdentifier> = []

  mutating func tree(of model: any Network) -> HDF5Group {
    add(model, named: model.name, at: [])
    return root
  }

  private mutating func add(_ layer: any Layer, named name: String, at path: [String]) {
    guard seen.insert(ObjectIdentifier(layer)).inserted else { return }
    // Keras writes the name of every object, also where it has no variables.
    Self.add([], named: name, at: path, to: &root)
    switch KerasPlace(layer) {
    case .layers(let layers):
      var counts: [String: Int] = [:]
      for (layer, name) in zip(layers, layer.network?.layerNames ?? []) {
        add(layer, named: name, at: path + ["layers", Self.unique(KerasPlace.className(of: layer), &counts)])
      }
    case .parts(let parts):
      for (attribute, part) in parts {
        add(part, named: Self.name(of: part, as: attribute), at: path + [attribute])
      }
    case .cells(let layers):
      let inner = layers.count == 1 ? ["cell"] : ["cell", "cells"]
      if layers.count > 1 { Self.add([], named: "stacked_rnn_cells", at: path + ["cell"], to: &root) }
      var counts: [String: Int] = [:]
      for layer in layers {
        let cell = Self.unique(KerasPlace.cellName(of: layer), &counts)
        let place = path + inner + (layers.count == 1 ? [] : [cell])
        Self.add(layer.weights.map(Self.stored), named: cell, at: place, to: &root)
      }
    case .variables(let groups):
      var weights = layer.weights[...]
      for (attributes, count) in groups {
        let own = weights.prefix(count).map(Self.stored)
        weights = weights.dropFirst(count)
        let place = path + attributes.prefix(1)
        let inner = attributes.first == "cell" ? KerasPlace.cellName(of: layer) : attributes.first
        Self.add(own, named: inner ?? name, at: place, to: &root)
      }
    }
  }

  /// Adds the variables of an object, numbered, in a group that has the object's name.
  static func add(_ variables: [StoredTensor], named name: String, at path: [String], to root: inout HDF5Group) {
    root.change((path + ["vars"])[...]) { group in
      group.attributes["name"] = .text(name)
      for (index, variable) in variables.enumerated() { group.members["\(index)"] = .dataset(HDF5Dataset(variable)) }
    }
  }

  /// Keras names the directions of a Bidirectional after their layers.
  private static func name(of layer: any Layer, as attribute: String) -> String {
    let base = KerasPlace.className(of: layer)
    return attribute.hasSuffix("_layer") ? "\(attribute.dropLast(6))_\(base)" : base
  }

  /// Keras numbers what has been named before.
  private static func unique(_ name: String, _ counts: inout [String: Int]) -> String {
    let count = counts[name, default: 0]
    counts[name] = count + 1
    return count == 0 ? name : "\(name)_\(count)"
  }

  /// A weight as Keras keeps it: its whole numbers, which only count, have 64 bits.
  private static func stored(_ tensor: Tensor) -> StoredTensor {
    guard tensor.dtype == .int32 else { return StoredTensor(tensor) }
    let bytes = tensor.scalars(as: Int32.self).flatMap { number in
      (0..<8).map { UInt8(truncatingIfNeeded: Int64(number) >> (8 * Int64($0))) }
    }
    return StoredTensor(.int64, shape: tensor.shape, bytes: bytes)
  }
}
