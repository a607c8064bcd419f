internal import CRecurraCharacters
internal import Glibc
internal import Recurra

/// What the character model reads: verses of Tang poems in simplified characters, and chapters of Tom Sawyer (1876).
struct CharacterTexts {
  /// A symbol that is rarer than this is one of those that the model does not know.
  private static let leastCount = 3
  /// The symbols of a sequence.
  private static let timesteps = 32
  /// The symbols between the beginnings of sequences, at least; both texts get about as many sequences.
  private static let spacings = [8, 16]
  /// The label of symbols that the model does not know, which it is not to guess.
  static let ignoredLabel = -1

  let vocabulary: Vocabulary
  /// ln of the share that each id has in the texts.
  let logarithmicFrequencies: [Float]
  private let texts: [[String]]

  init() {
    let texts = unsafe [Self.text(recurra_tang), Self.text(recurra_sawyer)].map { $0.map { Self.lowered(String($0)) } }
    var counts: [String: Int] = [:]
    for symbol in texts.joined() { counts[symbol, default: 0] += 1 }
    let known = counts.filter { $0.value >= Self.leastCount }.sorted { left, right in
      left.value == right.value ? left.key < right.key : left.value > right.value
    }
    vocabulary = Vocabulary(known.map(\.key), hasUnknown: true)
    self.texts = texts
    let total = Double(counts.values.reduce(0, +))
    let shares = ([total - Double(known.map(\.value).reduce(0, +))] + known.map { Double($0.value) }).map { $0 / total }
    logarithmicFrequencies = shares.map { Float(log($0)) }
  }

  /// A symbol as the model sees it: capitals would be as many symbols again, and each of them rare.
  static func lowered(_ symbol: String) -> String { symbol.lowercased() }

  /// Sequences that begin where a word or a verse does, and the symbol that follows each of theirs.
  ///
  /// - Shapes: both int32 [count, timesteps].
  func sequences() throws(RecurraError) -> (symbols: Tensor, next: Tensor) {
    var (symbols, next) = ([Int32](), [Int32]())
    for (text, spacing) in zip(texts, Self.spacings) {
      let ids = try vocabulary.ids(text)
      var start = 0
      while start + Self.timesteps < ids.count {
        let end = start + Self.timesteps
        symbols += ids[start..<end].map { Int32($0) }
        next += ids[start + 1...end].map { $0 == vocabulary.unknownID ? Int32(Self.ignoredLabel) : Int32($0) }
        start += spacing
        while start < text.count, text[start - 1] != " ", text[start - 1] != "\n" { start += 1 }
      }
    }
    let shape = [symbols.count / Self.timesteps, Self.timesteps]
    return (Tensor(symbols, shape: shape), Tensor(next, shape: shape))
  }

  private static func text(_ bytes: (_ count: UnsafeMutablePointer<Int>) -> UnsafePointer<UInt8>?) -> String {
    var count = 0
    let start = unsafe bytes(&count)
    return unsafe String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
  }
}
