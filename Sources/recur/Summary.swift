internal import ArgumentParser
internal import Recurra

/// Prints the layers of a model.
struct Summary: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prints the layers of a model, with shapes and numbers of parameters.")

  @OptionGroup var model: ModelArgument

  func run() throws { try Console.output(model.load(seed: 0).model.summary().printable + "\n") }
}
