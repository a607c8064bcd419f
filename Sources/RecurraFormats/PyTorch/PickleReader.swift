internal import RecurraTensor

/// Reads pickles as data: values are put together and names looked up in a list, and nothing is imported or called.
///
/// - Source: Python, `pickletools`, protocols 2 to 5.
struct PickleReader {
  /// Values that may be there at a time: what a million of them take is small beside a model.
  private static let maximumCount = 1 << 20
  private static let maximumOperations = 1 << 23

  private(set) var input: PickleInput
  /// Lists and dictionaries by their numbers.
  private(set) var containers: [PickleValue.Container] = []
  /// The storages that have been named, by their keys.
  private(set) var storages: [String: PickledStorage] = [:]
  private var stack: [PickleValue] = []
  private var marks: [Int] = []
  private var memo: [Int: PickleValue] = [:]
  private var itemCount = 0
  private var operationCount = 0

  init(_ input: PickleInput) { self.input = input }

  /// Reads the next pickle; containers of those before stay.
  mutating func value() throws(RecurraError) -> PickleValue {
    (stack, marks, memo) = ([], [], [:])
    while true {
      operationCount += 1
      guard operationCount <= Self.maximumOperations,
        stack.count + memo.count + itemCount + containers.count <= Self.maximumCount
      else { throw input.damaged("a pickle of at most \(Self.maximumCount) values", "more") }
      let code = try input.byte()
      if code == UInt8(ascii: ".") { return try pop() }
      try apply(code)
    }
  }

  private mutating func apply(_ code: UInt8) throws(RecurraError) {
    switch code {
    case 0x80:
      let version = try input.byte()
      guard (2...5).contains(version) else { throw input.damaged("a pickle of protocol 2 to 5", "\(version)") }
    case 0x95: _ = try input.take(8)
    case UInt8(ascii: "("): marks.append(stack.count)
    case UInt8(ascii: "0"): _ = try pop()
    case UInt8(ascii: "1"): _ = try popMark()
    case UInt8(ascii: "2"):
      let top = try pop()
      stack += [top, top]
    case UInt8(ascii: "q"): try remember(Int(try input.byte()))
    case UInt8(ascii: "r"): try remember(try input.number(4))
    case 0x94: try remember(memo.count)
    case UInt8(ascii: "h"): try recall(Int(try input.byte()))
    case UInt8(ascii: "j"): try recall(try input.number(4))
    default:
      if let value = try scalar(code) {
        stack.append(value)
      } else if try !build(code) {
        throw input.damaged(
          "an instruction of pickles of tensors", "\(String(code, radix: 16, uppercase: true)) in hexadecimal")
      }
    }
  }

  /// A value that needs no other; nil for other instructions.
  private mutating func scalar(_ code: UInt8) throws(RecurraError) -> PickleValue? {
    switch code {
    case UInt8(ascii: "N"): return PickleValue.none
    case 0x88: return .bool(true)
    case 0x89: return .bool(false)
    case UInt8(ascii: "K"): return .integer(Int(try input.byte()))
    case UInt8(ascii: "M"): return .integer(try input.number(2))
    case UInt8(ascii: "J"): return .integer(Int(Int32(truncatingIfNeeded: try input.number(4))))
    case 0x8A: return Self.long(Array(try input.take(Int(try input.byte()))))
    case UInt8(ascii: "G"):
      let bits = try input.take(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      return .float(Double(bitPattern: bits))
    case UInt8(ascii: "X"): return .text(try input.text(try input.number(4)))
    case 0x8C: return .text(try input.text(Int(try input.byte())))
    case 0x8D: return .text(try input.text(try input.number(8)))
    case UInt8(ascii: "U"): return .text(try input.text(Int(try input.byte())))
    case UInt8(ascii: "T"): return .text(try input.text(try input.number(4)))
    case UInt8(ascii: "C"): return try bytes(Int(try input.byte()))
    case UInt8(ascii: "B"): return try bytes(try input.number(4))
    case 0x8E, 0x96: return try bytes(try input.number(8))
    case UInt8(ascii: ")"): return container(.tuple([]))
    case UInt8(ascii: "c"): return try global(input.line(), input.line())
    case UInt8(ascii: "]"): return container(.list([]))
    case UInt8(ascii: "}"): return container(.dictionary([]))
    case 0x8F: return .other
    default: return nil
    }
  }

  /// A value made of those on the stack; false for other instructions.
  private mutating func build(_ code: UInt8) throws(RecurraError) -> Bool {
    switch code {
    case 0x85, 0x86, 0x87:
      let count = Int(code) - 0x84
      guard stack.count - (marks.last ?? 0) >= count else { throw input.damaged("\(count) values", "fewer") }
      let elements = Array(stack.suffix(count))
      stack.removeLast(count)
      push(tuple: elements)
    case UInt8(ascii: "t"): push(tuple: try popMark())
    case UInt8(ascii: "l"):
      let items = try popMark()
      itemCount += items.count
      stack.append(container(.list(items)))
    case UInt8(ascii: "d"):
      let items = try popMark()
      stack.append(container(.dictionary([])))
      try insert(items)
    case UInt8(ascii: "a"): try append([pop()])
    case UInt8(ascii: "e"): try append(popMark())
    case UInt8(ascii: "s"):
      let value = try pop()
      try insert([pop(), value])
    case UInt8(ascii: "u"): try insert(popMark())
    case 0x90: _ = try popMark()
    case 0x91:
      _ = try popMark()
      stack.append(.other)
    case 0x93:
      guard case .text(let name) = try pop(), case .text(let module) = try pop() else {
        throw input.damaged("a module and a name", "other values")
      }
      stack.append(try global(module, name))
    case UInt8(ascii: "Q"):
      let value = try pop()
      let storage = try storage(value)
      storages[storage.key] = storage
      stack.append(.storage(storage))
    case UInt8(ascii: "R"), 0x81:
      let arguments = try pop()
      let function = try pop()
      stack.append(try call(function, arguments))
    case UInt8(ascii: "b"):
      // What is set on a dictionary, tensor or parameter beside its content, such as a state dict's versions.
      _ = try pop()
      switch stack.last {
      case .container, .tensor, .other: break
      case let other: throw input.damaged("a dictionary or tensor to set attributes of", other?.kind ?? "nothing")
      }
    default: return false
    }
    return true
  }

  private mutating func bytes(_ count: Int) throws(RecurraError) -> PickleValue {
    _ = try input.take(count)
    return .other
  }

  private static func long(_ bytes: [UInt8]) -> PickleValue {
    guard bytes.count <= 8 else { return .long(bytes) }
    let fill: UInt64 = bytes.last.map { $0 >= 0x80 } == true ? .max : 0
    let bits = bytes.reversed().reduce(fill) { $0 << 8 | UInt64($1) }
    return .integer(Int(Int64(bitPattern: bits)))
  }

  private func global(_ module: String, _ name: String) throws(RecurraError) -> PickleValue {
    guard let global = PickleGlobal(module: module, name: name) else {
      throw input.damaged(
        "tensors in lists and dictionaries; a pickled module is code: torch.save(model.state_dict(), path) instead",
        "the name \("\(module).\(name)".excerpt)")
    }
    return .global(global)
  }

  /// The elements of a tuple; nil for other values.
  func tuple(_ value: PickleValue) -> [PickleValue]? {
    guard case .container(let number) = value, case .tuple(let elements) = containers[number] else { return nil }
    return elements
  }

  /// The whole numbers of a tuple; nil for other values.
  func integers(_ value: PickleValue) -> [Int]? {
    guard let elements = tuple(value) else { return nil }
    let numbers = elements.compactMap(\.integer)
    return numbers.count == elements.count ? numbers : nil
  }

  mutating func container(_ container: PickleValue.Container) -> PickleValue {
    containers.append(container)
    return .container(containers.count - 1)
  }

  private mutating func pop() throws(RecurraError) -> PickleValue {
    guard stack.count > marks.last ?? 0, let value = stack.popLast() else {
      throw input.damaged("a value before the instruction", "none")
    }
    return value
  }

  private mutating func popMark() throws(RecurraError) -> [PickleValue] {
    guard let mark = marks.popLast() else { throw input.damaged("a mark before the instruction", "none") }
    defer { stack.removeSubrange(mark...) }
    return Array(stack[mark...])
  }

  private mutating func push(tuple elements: [PickleValue]) {
    itemCount += elements.count
    stack.append(container(.tuple(elements)))
  }

  private mutating func remember(_ index: Int) throws(RecurraError) {
    guard let top = stack.last else { throw input.damaged("a value to remember", "none") }
    memo[index] = top
  }

  private mutating func recall(_ index: Int) throws(RecurraError) {
    guard let value = memo[index] else { throw input.damaged("a value that was remembered", "number \(index)") }
    stack.append(value)
  }

  private mutating func append(_ items: [PickleValue]) throws(RecurraError) {
    if case .other = stack.last { return }
    guard case .container(let number) = stack.last, case .list(var list) = containers[number] else {
      throw input.damaged("a list to append to", stack.last?.kind ?? "nothing")
    }
    // The list is taken out of its place so that it grows there and is not copied.
    containers[number] = .list([])
    list += items
    itemCount += items.count
    containers[number] = .list(list)
  }

  private mutating func insert(_ items: [PickleValue]) throws(RecurraError) {
    guard items.count % 2 == 0, case .container(let number) = stack.last,
      case .dictionary(var members) = containers[number]
    else { throw input.damaged("a dictionary, and keys with their values", stack.last?.kind ?? "nothing") }
    containers[number] = .dictionary([])
    for index in stride(from: 0, to: items.count, by: 2) {
      members.append((key: items[index], value: items[index + 1]))
    }
    itemCount += items.count
    containers[number] = .dictionary(members)
  }
}
