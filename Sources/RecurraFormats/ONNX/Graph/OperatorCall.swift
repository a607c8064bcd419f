internal import RecurraLayers
internal import RecurraTensor

/// What an operator computes with: a call of a node.
struct OperatorCall {
  let node: ONNXNode
  /// The node's inputs; nil where one is left out.
  let inputs: [HeldValue?]
  /// What the graphs inside the node take from around it.
  let captured: [HeldValue]
  let run: GraphRun

  /// An error about the arrays that a node is given.
  func failure(_ kind: RecurraError.Kind = .badData, expected: String, got: String) -> RecurraError {
    RecurraError(kind, operation: "\(run.operation), \(node.label)", expected: expected, got: got)
  }

  func optional(_ index: Int) -> ONNXValue? { index < inputs.count ? inputs[index]?.value : nil }

  func value(_ index: Int) throws(RecurraError) -> ONNXValue {
    guard let value = optional(index) else { throw failure(expected: "an input \(index)", got: "none") }
    return value
  }

  /// The number of changes that an input has seen which is the same in every call; nil for one that is computed.
  func version(_ index: Int) -> Int? { index < inputs.count ? inputs[index]?.version : nil }

  /// A floating input.
  func tensor(_ index: Int) throws(RecurraError) -> Tensor {
    guard case .floats(let tensor, _) = try value(index) else {
      throw failure(expected: "floating numbers as input \(index)", got: try value(index).format.rawValue)
    }
    return tensor
  }

  func optionalTensor(_ index: Int) throws(RecurraError) -> Tensor? {
    optional(index) == nil ? nil : try tensor(index)
  }

  /// An input of whole numbers or truth values.
  func array(_ index: Int) throws(RecurraError) -> IntegerArray {
    guard case .integers(let array) = try value(index) else {
      throw failure(expected: "whole numbers as input \(index)", got: try value(index).format.rawValue)
    }
    return array
  }

  /// Whole numbers that say how something is done, such as a shape.
  func integers(_ index: Int) throws(RecurraError) -> [Int] {
    let array = try array(index)
    guard array.elements.count <= 1 << 20 else {
      throw failure(expected: "a short list as input \(index)", got: "\(array.elements.count) numbers")
    }
    return array.elements.map { Int($0) }
  }

  func optionalIntegers(_ index: Int) throws(RecurraError) -> [Int]? {
    optional(index) == nil ? nil : try integers(index)
  }

  /// One number of any type.
  func scalar(_ index: Int) throws(RecurraError) -> Double {
    let value = try value(index)
    guard value.count == 1, let number = value.doubles.first else {
      throw failure(expected: "one number as input \(index)", got: "shape \(Shape.text(value.shape))")
    }
    return number
  }

  /// One whole number.
  func integer(_ index: Int) throws(RecurraError) -> Int {
    let array = try array(index)
    guard array.elements.count == 1 else {
      throw failure(expected: "one whole number as input \(index)", got: "shape \(Shape.text(array.shape))")
    }
    return Int(array.elements[0])
  }

  /// An axis that counts from the end where it is negative.
  func axis(_ axis: Int, rank: Int) throws(RecurraError) -> Int {
    guard axis >= -rank, axis < rank else {
      throw failure(expected: "an axis of \(rank)", got: "\(axis)")
    }
    return axis < 0 ? axis + rank : axis
  }

  /// Axes, each at most once, in order.
  func axes(_ axes: [Int], rank: Int) throws(RecurraError) -> [Int] {
    guard axes.count <= rank else { throw failure(expected: "at most \(rank) axes", got: "\(axes.count)") }
    var result: Set<Int> = []
    for axis in axes { result.insert(try self.axis(axis, rank: rank)) }
    guard result.count == axes.count else { throw failure(expected: "each axis once", got: "\(axes)") }
    return result.sorted()
  }

  /// The shape that inputs are stretched to; the room for a result of it is asked for.
  func broadcast(_ shapes: [Int]..., format: ElementFormat = .float32) throws(RecurraError) -> [Int] {
    guard let shape = Broadcasting.shape(shapes) else {
      throw failure(
        expected: "shapes that broadcast", got: shapes.map { Shape.text($0) }.joined(separator: " and "))
    }
    try require(shape, format)
    return shape
  }

  /// Asks for the room of a result.
  ///
  /// - Throws: `badData` for extents that are negative or whose product does not fit, `outOfMemory` for more than the
  ///   run may take.
  func require(_ shape: [Int], _ format: ElementFormat = .float32) throws(RecurraError) {
    guard shape.count <= 64 else { throw failure(expected: "at most 64 axes", got: "\(shape.count)") }
    let count = try Shape.validated(shape, byteCount: 8, operation: "\(run.operation), \(node.label)")
    let bytes = count * (format.isFloating ? format.dtype.byteCount : 8)
    guard bytes <= run.arrayLimit, count < Int(Int32.max) else {
      throw failure(
        .outOfMemory, expected: "arrays of at most \(run.arrayLimit) bytes, for a file and inputs of this size",
        got: "shape \(Shape.text(shape))")
    }
    try MemoryLimit.require(bytes, "\(run.operation), \(node.label)", for: "an array \(Shape.text(shape))")
  }

  /// Two floating inputs of one type.
  func pair(_ first: Int = 0, _ second: Int = 1) throws(RecurraError) -> (Tensor, Tensor) {
    let (a, b) = (try tensor(first), try tensor(second))
    guard a.dtype == b.dtype else {
      throw failure(expected: "inputs of one type", got: "\(a.dtype) and \(b.dtype)")
    }
    return (a, b)
  }
}
