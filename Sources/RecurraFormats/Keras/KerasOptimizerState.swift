internal import RecurraLayers
internal import RecurraTensor
internal import RecurraTraining

/// What an optimiser remembers, as Keras' list of variables.
///
/// The list holds the number of updates, the learning rate unless a schedule gives it, and then group after group of
/// numbers: within a group the moments of the first weight, then those of the second.
struct KerasOptimizerState {
  let model: any Network
  let optimizer: Optimizer
  let registry: Registry

  /// The groups of moments in the order in which Keras makes them; nil where Keras' variables are not known.
  private var groups: [[String]]? {
    let names = optimizer.momentNames
    let own: [[String]]
    switch optimizer.name {
    case "sgd", "lion": own = [["momentum"]]
    case "adam", "adamw": own = [["momentum", "velocity"], ["velocity_hat"]]
    case "rmsprop": own = [["velocity"], ["momentum"], ["average_gradient"]]
    case "nadam", "lamb": own = [["momentum", "velocity"]]
    case "adagrad": own = [["accumulator"]]
    case "adadelta": own = [["accumulated_grad", "accumulated_delta_var"]]
    case "adamax": own = [["momentum", "norm"]]
    case "ftrl": own = [["accumulator", "linear"]]
    default: return nil
    }
    return ([["average"], ["gradient_accumulator"]] + own).map { $0.filter(names.contains) }.filter { !$0.isEmpty }
  }

  private var hasRate: Bool { optimizer.learningRateSchedule == nil }
  /// Nadam's product of momenta stands behind all else.
  private var hasProduct: Bool { optimizer.name == "nadam" }

  /// The optimiser's state by the names of this package; nil where Keras had not made the variables yet, or where they
  /// are not known.
  ///
  /// - Throws: `badData` for another number of variables, or one of another shape.
  func state(_ variables: [Tensor]) throws(RecurraError) -> [String: Tensor]? {
    let head = hasRate ? 2 : 1
    guard variables.count > head || optimizer.momentNames.isEmpty, let groups else { return nil }
    let keras = try KerasVariables(model, registry)
    let expected = head + groups.reduce(0) { $0 + $1.count } * keras.count + (hasProduct ? 1 : 0)
    guard variables.count == expected else {
      throw RecurraError(
        .badData, operation: "optimizer", expected: "\(expected) variables", got: "\(variables.count)")
    }
    func number(_ index: Int) -> Double {
      variables[index].count == 1 ? variables[index].reshaped([1])[0].item : 0
    }
    var state = [
      "iteration": Tensor(number(0), dtype: .float64),
      "learning_rate": Tensor(hasRate ? number(1) : optimizer.learningRate, dtype: .float64),
    ]
    var start = head
    for group in groups {
      for (place, name) in group.enumerated() {
        let own = (0..<keras.count).map { variables[start + $0 * group.count + place] }
        for (path, value) in try keras.numbers(own) { state["\(path)/\(name)"] = value }
      }
      start += group.count * keras.count
    }
    if hasProduct {
      for (path, parameter) in model.namedParameters where parameter.isTrainable {
        state["\(path)/u_product"] = Tensor(number(start), dtype: parameter.dtype)
      }
    }
    state = optimizer.cut(state, model.namedParameters)
    if let count = optimizer.gradientAccumulationSteps {
      // A parameter counts its changes, of which there is one for several gradients.
      let updates = Tensor((number(0) / Double(count)).rounded(.down), dtype: .float64)
      for path in optimizer.entryPaths(model.namedParameters) { state["\(path)/iteration"] = updates }
    }
    return state
  }

  /// The same for the optimisers of Keras 2 that name each variable after its weight, `Adam/dense/kernel/m:0`: the
  /// number of updates, then the first moments of all weights, then the second, and no learning rate.
  ///
  /// - Returns: nil too for variables that are named in another way.
  func stateOfKeras2(_ variables: [Tensor], _ names: [String]) throws(RecurraError) -> [String: Tensor]? {
    guard let groups, !hasProduct, let count = variables.first, variables.count > 1 else { return nil }
    let moments = names.dropFirst().map { name in name.split(separator: "/").last.map(String.init) ?? "" }
    guard moments.allSatisfy({ Self.momentsOfKeras2.contains($0) }) else { return nil }
    let weights = try KerasVariables(model, registry).count
    let expected = 1 + groups.reduce(0) { $0 + $1.count } * weights
    guard variables.count == expected else {
      throw RecurraError(
        .badData, operation: "optimizer", expected: "\(expected) variables", got: "\(variables.count)")
    }
    var ordered = [count]
    if hasRate { ordered.append(Tensor(optimizer.learningRate)) }
    var start = 1
    for group in groups {
      for index in 0..<weights {
        for place in group.indices { ordered.append(variables[start + place * weights + index]) }
      }
      start += group.count * weights
    }
    return try state(ordered)
  }

  private static let momentsOfKeras2: Set<String> = [
    "m:0", "v:0", "vhat:0", "momentum:0", "rms:0", "mg:0", "accumulator:0", "accum_grad:0", "accum_var:0",
  ]

  /// Keras' variables of a state; nil where they are not known.
  func variables(_ state: [String: Tensor]) throws(RecurraError) -> [Tensor]? {
    guard let groups else { return nil }
    let whole = optimizer.joined(state, model.namedParameters)
    let keras = try KerasVariables(model, registry)
    var result = [state["iteration"] ?? Tensor(0, dtype: .float64)]
    if hasRate { result.append((state["learning_rate"] ?? Tensor(optimizer.learningRate)).converted(to: .float32)) }
    for group in groups {
      let moments = group.map { name in keras.variables { whole["\($0)/\(name)"] } }
      for index in 0..<keras.count { for list in moments { result.append(list[index]) } }
    }
    if hasProduct {
      let product = whole.first { $0.key.hasSuffix("/u_product") }?.value
      result.append(product.map { $0.reshaped([$0.count])[0].converted(to: .float32) } ?? Tensor(1))
    }
    return result
  }
}
