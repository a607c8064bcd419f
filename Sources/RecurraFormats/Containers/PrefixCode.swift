/// A canonical prefix code, as deflate has it: shorter words come first, then smaller symbols.
struct PrefixCode: Sendable {
  /// How far a word has been read.
  struct Walk {
    var length = 0
    var code = 0
    var first = 0
    var index = 0
  }

  /// What the next bit leads to.
  enum Step {
    case symbol(Int)
    case more
    case none
  }

  /// How many words there are of each length.
  private let counts: [Int]
  /// The symbols in the order of their words.
  private let symbols: [Int]

  /// Makes the code of the lengths of its words, 0 for a symbol without one; nil where there are more words than can
  /// be told apart.
  init?(_ lengths: [Int]) {
    self.init(complete: lengths)
    var free = 1
    for count in counts.dropFirst() {
      free = free * 2 - count
      if free < 0 { return nil }
    }
  }

  /// Makes a code that is known to be one.
  init(complete lengths: [Int]) {
    var counts = [Int](repeating: 0, count: 16)
    for length in lengths where length > 0 { counts[length] += 1 }
    self.counts = counts
    symbols = lengths.indices.filter { lengths[$0] > 0 }.sorted { (lengths[$0], $0) < (lengths[$1], $1) }
  }

  /// Reads a bit more of a word.
  func next(_ bit: Int, _ walk: inout Walk) -> Step {
    walk.length += 1
    guard walk.length < counts.count else { return .none }
    walk.code |= bit
    let count = counts[walk.length]
    if walk.code - walk.first < count { return .symbol(symbols[walk.index + walk.code - walk.first]) }
    walk.index += count
    walk.first = (walk.first + count) << 1
    walk.code <<= 1
    return .more
  }
}
