internal import RecurraLayers
internal import RecurraTensor
internal import RecurraTraining

/// Numbers that stand beside a model's parameters, cut up and ordered as Keras' variables, and back.
///
/// An optimiser here remembers something of `[W; U]` as a whole, Keras of kernel and recurrent kernel apart; a second
/// model of the same layers, whose parameters are what is remembered, cuts them up as it does weights.
struct KerasVariables {
  private let twin: any Network
  /// Which of Keras' weights are trained.
  private let isTrained: [Bool]
  /// The parameters of the model that are trained, by their paths.
  private let trained: Set<String>

  init(_ model: any Network, _ registry: Registry) throws(RecurraError) {
    twin = try NetworkKind(configuration: model.json, registry: registry).network
    try twin.build(inputShapes: model.inputShapes ?? [], dtype: model.dtype ?? .float32)
    trained = Set(model.namedParameters.filter(\.parameter.isTrainable).map(\.path))
    for (path, parameter) in twin.namedParameters {
      parameter.value = .full(parameter.shape, trained.contains(path) ? 1 : 0, dtype: parameter.dtype)
    }
    isTrained = twin.weights.map { $0.count == 0 || $0.reshaped([$0.count])[0].item != 0 }
  }

  /// The number of Keras' trained variables.
  var count: Int { isTrained.filter { $0 }.count }

  /// Cuts numbers of the parameters, by their paths, into Keras' trained variables.
  func variables(_ numbers: (String) -> Tensor?) -> [Tensor] {
    for (path, parameter) in twin.namedParameters where trained.contains(path) {
      parameter.value = numbers(path) ?? .zeros(parameter.shape, dtype: parameter.dtype)
    }
    return zip(twin.weights, isTrained).compactMap { $1 ? $0 : nil }
  }

  /// Puts Keras' trained variables together to numbers of the parameters, by their paths.
  ///
  /// - Throws: `badData` for a variable of another shape.
  func numbers(_ variables: [Tensor]) throws(RecurraError) -> [String: Tensor] {
    var (all, next) = ([Tensor](), variables.makeIterator())
    for (weight, isTrained) in zip(twin.weights, isTrained) { all.append(isTrained ? next.next() ?? weight : weight) }
    try twin.setWeights(all)
    var numbers: [String: Tensor] = [:]
    for (path, parameter) in twin.namedParameters where trained.contains(path) { numbers[path] = parameter.value }
    return numbers
  }
}
