internal import RecurraTensor

/// Goes through what a pickle says, and names its tensors by the keys on the way to them, joined by '.'.
struct TensorCollector {
  private static let maximumDepth = 64
  private static let maximumNameByteCount = 4096
  /// Values that may be visited: lists that hold each other many times over are few in a pickle and endless here.
  private static let maximumVisits = 1 << 20
  /// Texts and numbers beside the tensors; more than these nobody reads.
  private static let maximumNoteCount = 1024

  let containers: [PickleValue.Container]
  /// Names the file in errors.
  let operation: String
  private(set) var tensors: [(name: String, tensor: PickledTensor)] = []
  /// Numbers, texts and truth values by their names.
  private(set) var notes: [(name: String, text: String)] = []
  private var visits = 0
  private var nameByteCount = 0
  /// The containers around the one that is gone through.
  private var open: Set<Int> = []

  init(containers: [PickleValue.Container], operation: String) {
    (self.containers, self.operation) = (containers, operation)
  }

  /// Collects what lies at and below a value.
  mutating func collect(_ value: PickleValue) throws(RecurraError) { try collect(value, "", depth: 0) }

  // The depth is bounded, so this calls itself.
  private mutating func collect(_ value: PickleValue, _ name: String, depth: Int) throws(RecurraError) {
    visits += 1
    guard visits <= Self.maximumVisits else {
      throw damaged("at most \(Self.maximumVisits) values, each as often as it is held", "more")
    }
    switch value {
    case .tensor(let tensor):
      nameByteCount += name.utf8.count
      guard nameByteCount <= 1 << 24 else { throw damaged("names of at most 16 MiB together", "more") }
      tensors.append((name.isEmpty ? "tensor" : name, tensor))
    case .container(let number): try collect(container: number, name, depth)
    case .text(let text): note(name, text)
    case .integer(let number): note(name, "\(number)")
    case .float(let number): note(name, "\(number)")
    case .bool(let truth): note(name, "\(truth)")
    case .none, .long, .global, .storage, .other: break
    }
  }

  private mutating func collect(container number: Int, _ name: String, _ depth: Int) throws(RecurraError) {
    guard depth < Self.maximumDepth else { throw damaged("at most \(Self.maximumDepth) nested values", "more") }
    guard open.insert(number).inserted else { throw damaged("values that do not hold themselves", "a circle") }
    switch containers[number] {
    case .list(let items), .tuple(let items):
      for (index, item) in items.enumerated() where !item.isPlain {
        try collect(item, try joined(name, "\(index)"), depth: depth + 1)
      }
    case .dictionary(let members):
      for (key, value) in members {
        switch key {
        case .text(let text): try collect(value, try joined(name, text), depth: depth + 1)
        case .integer(let number): try collect(value, try joined(name, "\(number)"), depth: depth + 1)
        default: break
        }
      }
    }
    open.remove(number)
  }

  private func joined(_ name: String, _ key: String) throws(RecurraError) -> String {
    guard name.utf8.count + key.utf8.count < Self.maximumNameByteCount else {
      throw damaged("names of at most \(Self.maximumNameByteCount) bytes", "a longer one")
    }
    return name.isEmpty ? key : "\(name).\(key)"
  }

  private mutating func note(_ name: String, _ text: String) {
    guard notes.count < Self.maximumNoteCount, text.utf8.count <= 1024 else { return }
    notes.append((name.isEmpty ? "value" : name, text))
  }

  private func damaged(_ expected: String, _ got: String) -> RecurraError {
    RecurraError(.badFile, operation: operation, expected: expected, got: got)
  }
}

extension PickleValue {
  /// Tells whether a value in a list is of no use: a number of a shape, a word of a vocabulary.
  fileprivate var isPlain: Bool {
    switch self {
    case .tensor, .container: false
    default: true
    }
  }
}
