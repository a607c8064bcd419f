internal import RecurraTensor

/// An argument of an operation: one of the tensors it is called with, or what stands in the file.
indirect enum OperationArgument: Sendable {
  /// The tensor of a number.
  case input(Int)
  /// Numbers that are always the same.
  case constant(Tensor)
  /// A part of an axis.
  case slice(start: Int?, stop: Int?, step: Int)
  /// A new axis, in an index.
  case none
  case text(String)
  case list([OperationArgument])

  /// The name of the member that says which tensor an argument is.
  static let tensor = "tensor"

  /// Reads an argument: numbers, lists, Keras' slices and arrays, and `{"tensor": 0}`.
  ///
  /// - Throws: `badArgument` for anything else.
  init(_ json: JSONValue, _ operation: String) throws(RecurraError) {
    func refused(_ expected: String, _ got: JSONValue) -> RecurraError {
      RecurraError(.badArgument, operation: operation, expected: expected, got: got.shortText)
    }
    switch json {
    case .integer(let number): self = .constant(Tensor(Double(number)))
    case .number(let number): self = .constant(Tensor(number))
    case .bool(let flag): self = .constant(Tensor(flag ? 1 : 0))
    case .string(let text): self = .text(text)
    case .null: self = .none
    case .array(let elements):
      self = .list(
        try elements.map { (element) throws(RecurraError) in try OperationArgument(element, operation) })
    case .object:
      if let index = json[Self.tensor]?.wholeNumber, index >= 0 {
        self = .input(index)
        return
      }
      switch json["class_name"] {
      case .string("__slice__"):
        func bound(_ name: String) throws(RecurraError) -> Int? {
          guard let value = json["config"]?[name], value != .null else { return nil }
          guard let bound = value.wholeNumber, (-Int(Int32.max)...Int(Int32.max)).contains(bound) else {
            throw refused("whole numbers in a slice", value)
          }
          return bound
        }
        let step = try bound("step") ?? 1
        guard step >= 1 else { throw refused("a step of 1 or more", .integer(step)) }
        self = .slice(start: try bound("start"), stop: try bound("stop"), step: step)
      case .string("__numpy__"), .string("__tensor__"):
        guard let value = json["config"]?["value"] else { throw refused("a value", json) }
        self = .constant(try Tensor(validating: value))
      case .string("__ellipsis__"): self = .text("...")
      default: throw refused("numbers, slices and tensors", json)
      }
    }
  }

  /// A whole number.
  var wholeNumber: Int? {
    guard case .constant(let tensor) = self, tensor.rank == 0 else { return nil }
    return Int(exactly: tensor.item)
  }

  /// A list of whole numbers; one stands for a list of one.
  var wholeNumbers: [Int]? {
    if let number = wholeNumber { return [number] }
    guard case .list(let list) = self else { return nil }
    let numbers = list.compactMap(\.wholeNumber)
    return numbers.count == list.count ? numbers : nil
  }

  /// The elements of a list; an argument that is none stands for a list of one.
  var elements: [OperationArgument] { if case .list(let list) = self { list } else { [self] } }

  /// The most tensors that the argument asks for.
  var inputCount: Int {
    switch self {
    case .input(let index): index + 1
    case .list(let list): list.map(\.inputCount).max() ?? 0
    default: 0
    }
  }
}
