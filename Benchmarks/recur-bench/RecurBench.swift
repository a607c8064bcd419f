import ArgumentParser

@main
struct RecurBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recur-bench",
    abstract: "Compares the throughput of RNN, LSTM, GRU and BiLSTM.",
    discussion: "recur-bench alone, and with options, is recur-bench layers.",
    subcommands: [Layers.self, Ragged.self, ModelCommand.self], defaultSubcommand: Layers.self)
}
