public import RecurraLayers
public import RecurraTensor

/// Numbers words, or the texts of a column: ids for an `Embedding`, class labels for a loss, and back.
///
/// Words have ids in the order of their first appearance. Id 0 can be kept for padding, and one id for words that were
/// not seen; both come before the words.
///
/// ```swift
/// let vocabulary = Vocabulary(sentences.joined(), hasPadding: true, hasUnknown: true)
/// let (x, lengths) = try Tensor.padSequences(sentences.map { try vocabulary.ids($0) })
/// let embedding = Embedding(inputDim: vocabulary.count, outputDim: 32, maskZero: true)
/// ```
public struct Vocabulary: Sendable, Equatable {
  /// The words in the order of their ids.
  public let words: [String]
  /// 0 where it is kept for padding.
  public let paddingID: Int?
  /// The id of words that were not seen, where there is one.
  public let unknownID: Int?
  private let ids: [String: Int]

  /// The number of ids, those for padding and unknown words included: an embedding's `inputDim`.
  public var count: Int { words.count + reservedCount }

  private var reservedCount: Int { (paddingID == nil ? 0 : 1) + (unknownID == nil ? 0 : 1) }

  /// Collects the different words of a text or column.
  ///
  /// - Parameters:
  ///   - words: any words, each as often as it likes.
  ///   - hasPadding: whether id 0 is kept for padding.
  ///   - hasUnknown: whether words that are not among these get an id too, instead of being refused.
  /// - Complexity: one look-up a word.
  public init(_ words: some Sequence<String>, hasPadding: Bool = false, hasUnknown: Bool = false) {
    paddingID = hasPadding ? 0 : nil
    unknownID = hasUnknown ? (hasPadding ? 1 : 0) : nil
    let first = (hasPadding ? 1 : 0) + (hasUnknown ? 1 : 0)
    var (distinct, ids) = ([String](), [String: Int]())
    for word in words where ids[word] == nil {
      ids[word] = first + distinct.count
      distinct.append(word)
    }
    self.words = distinct
    self.ids = ids
  }

  /// Returns the id of a word; that of unknown words, or nil where there is none, when it is not among them.
  public func id(_ word: String) -> Int? { ids[word] ?? unknownID }

  /// Returns the ids of words.
  ///
  /// - Throws: `badData` with the index of a word that is not among them, where unknown words have no id.
  public func ids(_ words: some Sequence<String>) throws(RecurraError) -> [Int] {
    var result: [Int] = []
    for (index, word) in words.enumerated() {
      guard let id = id(word) else {
        throw RecurraError(
          .badData, operation: "Vocabulary", expected: "one of \(self.words.count) known words",
          got: "\(word.excerpt) at index \(index)")
      }
      result.append(id)
    }
    return result
  }

  /// Returns the word of an id; nil for padding, for unknown words and outside the ids.
  public func word(_ id: Int) -> String? {
    id >= reservedCount && id < count ? words[id - reservedCount] : nil
  }
}

extension Vocabulary: JSONRepresentable {
  /// The words and the two options.
  public var json: JSONValue {
    .object([
      ("has_padding", .bool(paddingID != nil)), ("has_unknown", .bool(unknownID != nil)),
      ("words", .array(words.map(JSONValue.string))),
    ])
  }

  /// Reads a vocabulary.
  ///
  /// - Throws: `badData` for JSON that is no vocabulary, and for a word that stands there twice.
  public init(json: JSONValue) throws(RecurraError) {
    func failure(_ expected: String, got: String) -> RecurraError {
      RecurraError(.badData, operation: "Vocabulary", expected: expected, got: got)
    }
    func option(_ name: String) throws(RecurraError) -> Bool {
      guard case .bool(let value)? = json[name] else {
        throw failure("\(name), true or false", got: json[name]?.kind ?? "none")
      }
      return value
    }
    guard case .array(let values)? = json["words"] else {
      throw failure("a list words", got: json["words"]?.kind ?? "none")
    }
    var words: [String] = []
    for value in values {
      guard case .string(let word) = value else { throw failure("texts in words", got: value.kind) }
      words.append(word)
    }
    try self.init(words, hasPadding: option("has_padding"), hasUnknown: option("has_unknown"))
    guard self.words.count == words.count else {
      throw failure("every word once", got: "\(words.count - self.words.count) again")
    }
  }
}

extension Vocabulary: CustomStringConvertible {
  /// The number of words and the first ones.
  public var description: String {
    let shown = words.prefix(8).map { $0.excerpt }.joined(separator: ", ")
    return "Vocabulary(\(words.count) words: \(shown)\(words.count > 8 ? ", …" : ""))"
  }
}
