internal import RecurraLayers
internal import RecurraTensor
internal import RecurraTraining

/// Brings what the optimisers of Keras 2 remember into the order of Keras 3.
enum OldOptimizerVariables {
  /// Moments that Keras 3 keeps side by side, weight after weight; others stand one list behind the other.
  private static let pairs = [["m", "v"], ["accum_grad", "accum_var"], ["accumulator", "linear"]]

  /// The variables as Keras 3 would have written them; nil for an order that is not known.
  ///
  /// TensorFlow's Keras since 2.11 differs from Keras 3 in the learning rate, which is a setting there; before, each
  /// kind of moment was a list of its own.
  static func modern(
    _ variables: [(name: String, value: StoredTensor)], of optimizer: Optimizer
  ) -> [(name: String, value: StoredTensor)]? {
    guard let iteration = variables.first, iteration.value.count == 1 else { return nil }
    var moments = Array(variables.dropFirst())
    var product = StoredTensor(Tensor(1, dtype: .float32))
    switch iteration.name.split(separator: "/").last {
    // Files that number variables instead of naming them are younger than the change.
    case "iteration:0", "0": break
    case "iter:0":
      if let cache = moments.firstIndex(where: { $0.name.hasSuffix("momentum_cache:0") }) {
        product = moments.remove(at: cache).value
      }
      guard let sorted = besideEachOther(moments) else { return nil }
      moments = sorted
    default: return nil
    }
    // Keras 2 made a list of moments for plain gradient descent as well.
    if optimizer.momentNames.isEmpty { moments = [] }
    if optimizer.learningRateSchedule == nil {
      moments.insert(("learning_rate", StoredTensor(Tensor(optimizer.learningRate, dtype: .float32))), at: 0)
    }
    if optimizer.name == "nadam" { moments.append(("u_product", product)) }
    return [iteration] + moments
  }

  /// Lists of moments, one behind the other, as pairs where Keras 3 has pairs; nil where their lengths differ.
  private static func besideEachOther(
    _ moments: [(name: String, value: StoredTensor)]
  ) -> [(name: String, value: StoredTensor)]? {
    func kind(_ name: String) -> String { String(name.split(separator: "/").last?.prefix { $0 != ":" } ?? "") }
    var kinds: [String] = []
    for moment in moments where !kinds.contains(kind(moment.name)) { kinds.append(kind(moment.name)) }
    var result: [(name: String, value: StoredTensor)] = []
    while let first = kinds.first {
      let group = pairs.first { $0[0] == first && kinds.contains($0[1]) } ?? [first]
      kinds.removeAll { group.contains($0) }
      let lists = group.map { name in moments.filter { kind($0.name) == name } }
      guard lists.allSatisfy({ $0.count == lists[0].count }) else { return nil }
      for index in lists[0].indices { for list in lists { result.append(list[index]) } }
    }
    return result
  }
}
