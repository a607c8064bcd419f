internal import RecurraTensor

/// An operation with what it is called with: shapes, and tensors where there are some.
struct OperationCall {
  let layer: TensorOperation
  private let shapes: [[Int?]]
  private let tensors: [Tensor]

  init(_ layer: TensorOperation, shapes: [[Int?]]) { (self.layer, self.shapes, tensors) = (layer, shapes, []) }

  init(_ layer: TensorOperation, tensors: [Tensor]) {
    (self.layer, self.tensors) = (layer, tensors)
    shapes = tensors.map { $0.shape.map { Optional($0) } }
  }

  func failure(expected: String, got: String) -> RecurraError {
    RecurraError(.badData, operation: layer.operation, expected: expected, got: got)
  }

  /// An argument by its place or its name; a setting of that name stands for it.
  func argument(_ index: Int, _ name: String) -> OperationArgument? {
    if index >= 0, index < layer.arguments.count { return layer.arguments[index] }
    return layer.named[name] ?? layer.settings[name]
  }

  /// A setting that is none is left out.
  func setting(_ name: String, at index: Int = -1) -> OperationArgument? {
    guard let argument = layer.settings[name] ?? layer.named[name] ?? argument(index, name) else { return nil }
    if case .none = argument { return nil }
    return argument
  }

  func flag(_ name: String) -> Bool { setting(name)?.wholeNumber == 1 }

  /// The shape of an argument that is a tensor or numbers.
  func shape(_ argument: OperationArgument?) throws(RecurraError) -> [Int?] {
    switch argument {
    case .input(let index)? where index < shapes.count: return shapes[index]
    case .constant(let tensor)?: return tensor.shape.map { Optional($0) }
    default: throw failure(expected: "tensors", got: argument == nil ? "none" : "another argument")
    }
  }

  func shape(_ index: Int, _ name: String) throws(RecurraError) -> [Int?] { try shape(argument(index, name)) }

  /// The tensor of an argument, in a type.
  func tensor(_ argument: OperationArgument?, as dtype: DType? = nil) throws(RecurraError) -> Tensor {
    let tensor: Tensor
    switch argument {
    case .input(let index)? where index < tensors.count: tensor = tensors[index]
    case .constant(let constant)?: tensor = constant
    default: throw failure(expected: "tensors", got: argument == nil ? "none" : "another argument")
    }
    return dtype.map { tensor.dtype == $0 ? tensor : tensor.converted(to: $0) } ?? tensor
  }

  func tensor(_ index: Int, _ name: String, as dtype: DType? = nil) throws(RecurraError) -> Tensor {
    try tensor(argument(index, name), as: dtype)
  }

  /// The type that arguments are computed in: the tensors' own, numbers follow it.
  func dtype(of arguments: [OperationArgument?]) -> DType {
    let types = arguments.compactMap { argument -> DType? in
      if case .input(let index)? = argument, index < tensors.count { return tensors[index].dtype }
      return nil
    }
    return types.contains(.float64) ? .float64 : types.contains(.float32) || types.isEmpty ? .float32 : .int32
  }

  /// An axis counted from the front.
  func axis(_ axis: Int, rank: Int) throws(RecurraError) -> Int {
    guard (-rank..<rank).contains(axis) else { throw failure(expected: "an axis of \(rank)", got: "\(axis)") }
    return axis < 0 ? axis + rank : axis
  }

  /// The axes that a setting names, each once; all where it names none.
  func axes(rank: Int) throws(RecurraError) -> [Int] {
    guard let setting = setting("axis") else { return Array(0..<rank) }
    guard let numbers = setting.wholeNumbers else { throw failure(expected: "whole numbers as axis", got: "others") }
    var axes: [Int] = []
    for number in numbers { axes.append(try axis(number, rank: rank)) }
    guard Set(axes).count == axes.count else { throw failure(expected: "axes that differ", got: "\(numbers)") }
    return axes.sorted()
  }

  /// The one axis that a setting names.
  func oneAxis(_ name: String = "axis", rank: Int, default fallback: Int? = nil) throws(RecurraError) -> Int {
    guard let number = setting(name)?.wholeNumber ?? fallback else {
      throw failure(expected: "a whole number as \(name)", got: "none")
    }
    return try axis(number, rank: rank)
  }

  /// NumPy's rule of shapes that go together.
  func broadcast(_ shapes: [[Int?]]) throws(RecurraError) -> [Int?] {
    let rank = shapes.map(\.count).max() ?? 0
    var result = [Int?](repeating: 1, count: rank)
    for shape in shapes {
      for (place, extent) in shape.enumerated() {
        let axis = rank - shape.count + place
        switch (result[axis], extent) {
        case (1, _): result[axis] = extent
        case (_, 1), (_, nil): break
        case (nil, let known): result[axis] = known
        case (let known, let other):
          guard known == other else {
            throw failure(
              expected: "shapes that broadcast", got: shapes.map { text(of: $0) }.joined(separator: " and "))
          }
        }
      }
    }
    return result
  }
}
