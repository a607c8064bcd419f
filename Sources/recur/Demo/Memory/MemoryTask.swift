internal import Recurra

/// A question about something that was said long before: one of eight cues, words that do not matter, and the question.
///
/// "I grew up in China … which language does he speak?" A model that has forgotten the cue can but guess.
struct MemoryTask {
  static let cues = 8
  static let chance = 1 / Double(cues)
  private static let fillers = 40
  /// Cues, fillers, the question.
  static let words = cues + fillers + 1
  private static let question = Int32(words - 1)

  /// Words between the cue and the question.
  let distance: Int
  /// Tells whether the cue stands behind the question, whose answer is read at the question all the same.
  let cueIsLast: Bool
  /// Tells whether all words between are the same one, and words begin near to each other.
  let wordsAreAlike: Bool

  init(distance: Int, cueIsLast: Bool = false, wordsAreAlike: Bool = false) {
    self.distance = distance
    self.cueIsLast = cueIsLast
    self.wordsAreAlike = wordsAreAlike
  }

  /// The timestep at which the answer is read.
  var answerStep: Int { cueIsLast ? 0 : distance + 1 }
  var timesteps: Int { distance + 2 }

  /// Sentences, and the cue of each.
  ///
  /// - Shapes: words [count, distance + 2], cues [count].
  func sentences(_ count: Int, seed: UInt64) -> (words: Tensor, cues: Tensor) {
    let random = RandomSource(seed: seed)
    let choices = random.uniform([count, distance + 1], dtype: .float64).scalars(as: Double.self)
    var (words, cues) = ([Int32](), [Int32]())
    for row in 0..<count {
      let numbers = choices[row * (distance + 1)..<(row + 1) * (distance + 1)]
      let cue = Int32((numbers.first ?? 0) * Double(Self.cues))
      let between = numbers.dropFirst().map { number in
        Int32(Self.cues) + (wordsAreAlike ? 0 : Int32(number * Double(Self.fillers)))
      }
      words += cueIsLast ? [Self.question] + between + [cue] : [cue] + between + [Self.question]
      cues.append(cue)
    }
    return (Tensor(words, shape: [count, timesteps]), Tensor(cues))
  }

  /// The cue at the question's timestep, and -1, which no class has, at all others: [count, timesteps].
  func labels(_ cues: Tensor) -> Tensor {
    let labels = cues.scalars(as: Int32.self).flatMap { cue in
      (0..<timesteps).map { $0 == answerStep ? cue : -1 }
    }
    return Tensor(labels, shape: [cues.count, timesteps])
  }
}
