internal import ArgumentParser

/// Shows what recurrent networks do, on real numbers.
struct Demo: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: """
      Trains the lesson's program on real words and answers for words, or shows what networks remember, what their \
      gates do, and who is speaking.
      """,
    discussion: """
      recur demo alone trains every cell to count the syllables of words, and recur demo WORDS asks the saved model: \
      both are recur demo syllables.
      """,
    subcommands: [DemoSyllables.self, DemoMemory.self, DemoGates.self, DemoVowels.self],
    defaultSubcommand: DemoSyllables.self)
}
