internal import ArgumentParser
internal import Recurra

/// What training makes small, and how.
struct LearningOptions: ParsableArguments {
  @Option(
    help: """
      What training makes small, in Keras' names; of several outputs NAME=LOSS, once for each, or one for all. \
      (default: sparse_categorical_crossentropy)
      """)
  var loss: [String] = []

  @Option(
    help: ArgumentHelp(
      "How much the loss of one of several outputs counts; 1 when not given.", valueName: "name=weight"))
  var lossWeight: [String] = []

  @Option(help: "How gradients change weights: sgd, rmsprop, adam, adamw or adagrad. (default: adam)")
  var optimizer: String?

  @Option(
    parsing: .unconditional, help: "How far a step goes; the optimiser's own default when not given.")
  var learningRate: Double?

  @Option(
    help: ArgumentHelp(
      "How much the rows of a class count in training, such as 0:1,1:5; classes not named count 1.",
      valueName: "class:weight,…"))
  var classWeights: String?

  @Flag(help: "Begins anew from a saved model's weights, with the loss and optimiser given.")
  var fresh = false

  func chosenOptimizer() throws(RecurraError) -> Optimizer {
    var optimizer = try Optimizer(named: optimizer ?? "adam")
    if let learningRate { optimizer.learningRate = learningRate }
    return optimizer
  }

  func validate() throws { _ = try weightsOfClasses() }

  /// Refuses, before any file is read, what no model can be trained with.
  func check() throws(RecurraError) {
    _ = try chosenOptimizer()
    for loss in try Loss.option(loss).texts { _ = try Loss(named: loss) }
  }

  private func lossWeights(of model: any Network) throws(RecurraError) -> [Double]? {
    if lossWeight.isEmpty { return nil }
    let texts = try NamedOption("--loss-weight", lossWeight, isNamed: true)
      .texts(for: model.outputNames, "outputs", isComplete: false)
    var weights: [Double] = []
    for text in texts {
      guard let weight = text.map({ Double($0) }) ?? 1 else {
        throw RecurraError(.badArgument, operation: "--loss-weight", expected: "NAME=NUMBER", got: text ?? "")
      }
      weights.append(weight)
    }
    return weights
  }

  func weightsOfClasses() throws -> [Int: Double]? {
    guard let classWeights else { return nil }
    var weights: [Int: Double] = [:]
    for part in classWeights.split(separator: ",", omittingEmptySubsequences: false) {
      let pair = part.split(separator: ":", omittingEmptySubsequences: false)
      guard pair.count == 2, let label = Int(pair[0]), let weight = Double(pair[1]), label >= 0, weight.isFinite,
        weight >= 0, weights.updateValue(weight, forKey: label) == nil
      else {
        throw ValidationError("Expected --class-weights such as 0:1,1:5, got \(classWeights).")
      }
    }
    return weights
  }

  /// Makes the trainer of a model: the one that was saved with it, unless it is to begin afresh.
  ///
  /// - Throws: `badArgument` for a loss or optimiser other than the saved one's, which only a fresh beginning can have.
  func trainer(of loaded: LoadedModel) throws(RecurraError) -> Trainer {
    guard !fresh, let trainer = try loaded.savedTrainer() else {
      let losses = try Loss.chosen(loss, for: loaded.model)
      return try loaded.model.compile(
        loss: losses, lossWeights: lossWeights(of: loaded.model), optimizer: chosenOptimizer(),
        metrics: losses.map(\.usualMetrics))
    }
    func refuse(_ option: String, _ own: String, _ given: String?) throws(RecurraError) {
      guard let given, given.lowercased() != own.lowercased() else { return }
      throw RecurraError(
        .badArgument, operation: "\(loaded.source), --\(option)",
        expected: "\(own), which it is trained with, or --fresh", got: given)
    }
    if !loss.isEmpty {
      let given = try Loss.chosen(loss, for: loaded.model)
      try refuse("loss", trainer.losses.names, given.names)
    }
    if let weights = try lossWeights(of: loaded.model) {
      try refuse("loss-weight", "\(trainer.lossWeights)", "\(weights)")
    }
    try refuse("optimizer", trainer.optimizer.name, optimizer)
    if let learningRate { trainer.learningRate = learningRate }
    return trainer
  }
}

extension Loss {
  fileprivate static func option(_ texts: [String]) throws(RecurraError) -> NamedOption {
    try NamedOption("--loss", texts, isNamed: texts.count > 1 || texts.first?.contains("=") == true)
  }

  /// The loss of each output, by what was said; one without a name is that of all.
  static func chosen(_ texts: [String], for model: any Network) throws(RecurraError) -> [Loss] {
    let (option, names) = (try option(texts), model.outputNames)
    if texts.count <= 1, texts.first?.contains("=") != true {
      let loss = try Loss(named: texts.first ?? "sparse_categorical_crossentropy")
      return names.map { _ in loss }
    }
    var losses: [Loss] = []
    for text in try option.texts(for: names, "outputs", isComplete: true) { losses.append(try Loss(named: text ?? "")) }
    return losses
  }
}

extension [Loss] {
  /// The names of all losses.
  var names: String { map(\.name).joined(separator: ", ") }
}
