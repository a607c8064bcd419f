internal import ArgumentParser
internal import Recurra

/// What training makes small, and how.
struct LearningOptions: ParsableArguments {
  @Option(help: "What training makes small, in Keras' names.")
  var loss = "sparse_categorical_crossentropy"

  @Option(help: "How gradients change weights: sgd, rmsprop, adam, adamw or adagrad.")
  var optimizer = "adam"

  @Option(
    parsing: .unconditional, help: "How far a step goes; the optimiser's own default when not given.")
  var learningRate: Double?

  func chosenOptimizer() throws(RecurraError) -> Optimizer {
    var optimizer = try Optimizer(named: optimizer)
    if let learningRate { optimizer.learningRate = learningRate }
    return optimizer
  }
}
