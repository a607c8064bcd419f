internal import ArgumentParser
internal import Recurra

/// What training makes small, and how.
struct LearningOptions: ParsableArguments {
  @Option(help: "What training makes small, in Keras' names. (default: sparse_categorical_crossentropy)")
  var loss: String?

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

  func chosenLoss() throws(RecurraError) -> Loss { try Loss(named: loss ?? "sparse_categorical_crossentropy") }

  func chosenOptimizer() throws(RecurraError) -> Optimizer {
    var optimizer = try Optimizer(named: optimizer ?? "adam")
    if let learningRate { optimizer.learningRate = learningRate }
    return optimizer
  }

  func validate() throws { _ = try weightsOfClasses() }

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
      let loss = try chosenLoss()
      return try loaded.model.compile(loss: loss, optimizer: chosenOptimizer(), metrics: loss.usualMetrics)
    }
    func refuse(_ option: String, _ own: String, _ given: String?) throws(RecurraError) {
      guard let given, given.lowercased() != own else { return }
      throw RecurraError(
        .badArgument, operation: "\(loaded.source), --\(option)",
        expected: "\(own), which it is trained with, or --fresh", got: given)
    }
    if let loss { try refuse("loss", trainer.loss.name, try Loss(named: loss).name) }
    try refuse("optimizer", trainer.optimizer.name, optimizer)
    if let learningRate { trainer.learningRate = learningRate }
    return trainer
  }
}
