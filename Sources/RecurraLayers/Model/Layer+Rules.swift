package import RecurraTensor

/// A weight of a model with what it costs and is held to.
package struct RuledWeight: Sendable {
  package let parameter: Parameter
  /// nil for the whole parameter.
  package let rows: Range<Int>?
  package var regularizer: Regularizer?
  package var constraint: Constraint?
}

extension Layer {
  /// What weights cost in the loss, by the names that Keras' arguments begin with: "kernel", "recurrent", "bias".
  ///
  /// - Precondition: a layer with parameters, for setting.
  public var regularizers: [String: Regularizer] {
    get { parameterRules?.values.regularizers ?? [:] }
    set { ownRules.values.regularizers = newValue }
  }

  /// What weights are held to after every update, by the names that Keras' arguments begin with.
  ///
  /// - Precondition: a layer with parameters, for setting.
  public var constraints: [String: Constraint] {
    get { parameterRules?.values.constraints ?? [:] }
    set { ownRules.values.constraints = newValue }
  }

  /// What the layer's output costs in the loss, divided by the number of rows; nothing where nil.
  ///
  /// - Precondition: a layer with parameters, for setting.
  public var activityRegularizer: Regularizer? {
    get { parameterRules?.values.activity }
    set { ownRules.values.activity = newValue }
  }

  private var ownRules: ParameterRules {
    guard let parameterRules else {
      stop("\(Self.typeName) rules", expected: "a layer that keeps parameterRules", got: "one that has none")
    }
    return parameterRules
  }

  /// Returns the layer itself, told what its weights cost and what they are held to.
  ///
  /// Names, defaults and values are Keras'. What a layer calls otherwise goes by `regularizers` and `constraints`.
  ///
  /// ```swift
  /// let layer = Bidirectional(LSTM(units: 32).with(kernelRegularizer: .l2(1e-4), recurrentConstraint: .maxNorm(3)))
  /// ```
  ///
  /// - Precondition: a layer with parameters. A model that is built refuses a weight that its layer does not have.
  @discardableResult
  public func with(
    kernelRegularizer: Regularizer? = nil, recurrentRegularizer: Regularizer? = nil,
    biasRegularizer: Regularizer? = nil, embeddingsRegularizer: Regularizer? = nil,
    activityRegularizer: Regularizer? = nil, kernelConstraint: Constraint? = nil,
    recurrentConstraint: Constraint? = nil, biasConstraint: Constraint? = nil,
    embeddingsConstraint: Constraint? = nil
  ) -> Self {
    var rules = ownRules.values
    let regularizers = [
      ("kernel", kernelRegularizer), ("recurrent", recurrentRegularizer), ("bias", biasRegularizer),
      ("embeddings", embeddingsRegularizer),
    ]
    let constraints = [
      ("kernel", kernelConstraint), ("recurrent", recurrentConstraint), ("bias", biasConstraint),
      ("embeddings", embeddingsConstraint),
    ]
    for (name, rule) in regularizers { rules.regularizers[name] = rule ?? rules.regularizers[name] }
    for (name, rule) in constraints { rules.constraints[name] = rule ?? rules.constraints[name] }
    rules.activity = activityRegularizer ?? rules.activity
    ownRules.values = rules
    return self
  }

  /// The weights of this layer and of all in it for which something is asked, each once.
  package var ruledWeights: [RuledWeight] {
    if !sublayers.isEmpty { return sublayers.flatMap(\.layer.ruledWeights) }
    guard let rules = parameterRules, !rules.isEmpty else { return [] }
    let values = rules.values
    return weightParts.compactMap { part in
      let weight = RuledWeight(
        parameter: part.parameter, rows: part.rows,
        regularizer: values.regularizers.first { Self.isNamed(part.name, $0.key) }?.value,
        constraint: values.constraints.first { Self.isNamed(part.name, $0.key) }?.value)
      return weight.regularizer == nil && weight.constraint == nil ? nil : weight
    }
  }

  /// The parameters, cut into the weights that Keras keeps.
  private var weightParts: [(name: String, parameter: Parameter, rows: Range<Int>?)] {
    parameters.flatMap { parameter in
      parameter.parts.isEmpty
        ? [(parameter.name, parameter, nil)] : parameter.parts.map { ($0.name, parameter, Optional($0.rows)) }
    }
  }

  /// Tells whether Keras' arguments of a weight begin with a name: "recurrent" stands for the recurrent kernel.
  private static func isNamed(_ weight: String, _ name: String) -> Bool {
    let own = weight.split(separator: "/").last.map { String($0) } ?? weight
    // That is how Keras' arguments call the kernel of a depthwise convolution.
    return own == name || own == name + "_kernel" || (own == "kernel" && name == "depthwise")
  }

  /// Refuses rules for weights that the layer does not have, and such as cannot be obeyed; the layer has been built.
  ///
  /// A bias that is left out may have rules: Keras writes them all the same.
  package func checkRules() throws(RecurraError) {
    for (role, layer) in sublayers {
      try layer.checkRules()
      guard network == nil, layer.activityRegularizer != nil else { continue }
      throw failure(
        .badArgument, expected: "activity regularizers on layers of a model", got: "one on its \(role)")
    }
    guard let values = parameterRules?.values else { return }
    let parts = weightParts
    func check(_ name: String, _ kind: String, _ text: String, _ fault: (Int) -> String?) throws(RecurraError) {
      let own = parts.filter { Self.isNamed($0.name, name) }
      guard !own.isEmpty || name == "bias" else {
        throw failure(
          .badArgument, expected: "a \(kind) of \(parts.map(\.name).joined(separator: ", "))", got: name.excerpt)
      }
      for part in own {
        guard let fault = fault(part.parameter.shape.count) else { continue }
        throw failure(.badArgument, expected: "a \(kind) of the \(part.name) \(fault)", got: text)
      }
    }
    for (name, rule) in values.regularizers.sorted(by: { $0.key < $1.key }) {
      try check(name, "regularizer", rule.json.text) { rule.fault(axes: $0) }
    }
    for (name, rule) in values.constraints.sorted(by: { $0.key < $1.key }) {
      try check(name, "constraint", rule.json.text) { rule.fault(axes: $0) }
    }
    if let activity = values.activity, let fault = activity.fault(axes: 2) {
      throw failure(.badArgument, expected: "an activity regularizer \(fault)", got: activity.json.text)
    }
  }
}
