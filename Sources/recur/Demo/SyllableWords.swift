internal import CRecurraSyllables
internal import Recurra

/// Words with their numbers of syllables, from the CMU Pronouncing Dictionary, in an order without order.
struct SyllableWords {
  /// The letters of the longest word.
  static let timesteps = 20
  /// One more than the letters: 0 stands for no letter.
  static let vocabulary = 27
  /// Words have one to six syllables.
  static let classes = 6

  /// Letters, a = 1 to z = 26, behind them zeros: int32 [words, timesteps].
  let letters: Tensor
  /// Syllables − 1: int32 [words].
  let labels: Tensor

  var count: Int { labels.count }

  /// The rows that no model is trained on.
  var heldOut: Range<Int> { Int(Double(count) * (1 - DemoTraining.validationSplit))..<count }

  init() {
    var letters: [Int32] = []
    var labels: [Int32] = []
    Self.forEachLine { word, syllables in
      letters += word.map { Int32($0 - UInt8(ascii: "a") + 1) }
      letters += repeatElement(0, count: Self.timesteps - word.count)
      labels.append(Int32(syllables - 1))
    }
    self.letters = Tensor(letters, shape: [labels.count, Self.timesteps])
    self.labels = Tensor(labels)
  }

  /// The letters of words as a model takes them; nil when one is empty or has other characters than a to z.
  static func encode(_ words: [String]) -> Tensor? {
    let codes = words.map { Array($0.lowercased().utf8) }
    guard codes.allSatisfy({ !$0.isEmpty && $0.allSatisfy { UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 } }) else {
      return nil
    }
    let width = codes.map(\.count).max() ?? 1
    let letters = codes.flatMap { code in
      code.map { Int32($0 - UInt8(ascii: "a") + 1) } + repeatElement(0, count: width - code.count)
    }
    return Tensor(letters, shape: [words.count, width])
  }

  /// What the dictionary says about a word, and where it stands.
  static func find(_ word: String) -> (syllables: Int, index: Int)? {
    let wanted = Array(word.lowercased().utf8)
    var found: (Int, Int)?
    var index = 0
    forEachLine { word, syllables in
      if word.elementsEqual(wanted) { found = (syllables, index) }
      index += 1
    }
    return found
  }

  private static func forEachLine(_ body: (_ word: ArraySlice<UInt8>, _ syllables: Int) -> Void) {
    var count = 0
    let bytes = unsafe Array(UnsafeBufferPointer(start: recurra_syllables(&count), count: count))
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      body(line.dropLast(2), Int(line[line.endIndex - 1] - UInt8(ascii: "0")))
    }
  }
}
