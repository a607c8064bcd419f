/// An immutable array of numbers of one type, of any number of dimensions.
///
/// Copies, reshapes, transposes and slices share their memory. A tensor made from a tracked one remembers how, so that
/// `gradients(withRespectTo:)` can go back; nothing is recorded where nothing is tracked.
///
/// ```swift
/// let x = Tensor.arange(-5, 5, step: 0.1)
/// let y = 1 / (1 + (-x).exp())
/// ```
public struct Tensor: Sendable {
  /// The extent of each axis; empty for a single number.
  public let shape: [Int]
  /// The type of the elements.
  public let dtype: DType
  /// Elements from one index to the next along each axis; 0 along a stretched axis.
  package let strides: [Int]
  /// Where the first element lies in the storage, in elements.
  package let offset: Int
  package private(set) var storage: Storage
  /// How the tensor was made, when it depends on a tracked one.
  package let origin: Origin?

  package init(
    shape: [Int], strides: [Int], offset: Int = 0, dtype: DType, storage: Storage, origin: Origin? = nil
  ) {
    self.shape = shape
    self.strides = strides
    self.offset = offset
    self.dtype = dtype
    self.storage = storage
    self.origin = origin
  }

  /// A dense tensor whose elements are not set yet.
  package init(uninitialized shape: [Int], dtype: DType) {
    // The bytes are counted first, because strides overflow without a word.
    let storage = Storage(byteCount: Shape.byteCount(shape, dtype))
    self.init(shape: shape, strides: Shape.rowMajorStrides(shape), dtype: dtype, storage: storage)
  }

  /// A dense tensor whose elements `fill` sets, all of them.
  package init<S: TensorScalar>(_ shape: [Int], of type: S.Type = S.self, fill: (UnsafeMutablePointer<S>) -> Void) {
    self.init(uninitialized: shape, dtype: S.dtype)
    fill(storage.pointer.assumingMemoryBound(to: S.self))
  }

  /// A dense tensor of the shape of another dense one, whose elements `fill` sets, all of them.
  init<S: TensorScalar>(like other: Tensor, of type: S.Type = S.self, fill: (UnsafeMutablePointer<S>) -> Void) {
    self.init(
      shape: other.shape, strides: other.strides, dtype: S.dtype,
      storage: Storage(byteCount: other.count * S.dtype.byteCount))
    fill(storage.pointer.assumingMemoryBound(to: S.self))
  }

  /// Where the elements lie, for `walk`.
  var layout: Layout { Layout(shape: shape, strides: strides) }

  /// The number of axes.
  public var rank: Int { shape.count }

  /// The number of elements.
  public var count: Int { Shape.count(shape) }

  /// Tells whether the elements lie in row-major order without gaps.
  package var isContiguous: Bool {
    var (expected, axis) = (1, shape.count - 1)
    while axis >= 0 {
      if shape[axis] != 1 {
        if strides[axis] != expected { return shape.contains(0) }
        expected *= shape[axis]
      }
      axis -= 1
    }
    return true
  }

  /// The same elements in row-major order: itself when they already are, a copy otherwise.
  package var contiguous: Tensor {
    if isContiguous { return self }
    switch dtype.representation {
    case .float32: return copied(as: Float.self)
    case .float64: return copied(as: Double.self)
    case .int32: return copied(as: Int32.self)
    }
  }

  private func copied<S: TensorScalar>(as type: S.Type) -> Tensor {
    let result = Tensor(shape, of: S.self) { output in
      withPointer(of: S.self) { input in
        walk(shape, layout) { position, count, offsets, steps in
          let target = output + position
          let source = input + offsets.first
          if steps.first == 1 {
            target.update(from: source, count: count)
          } else {
            for i in 0..<count { target[i] = source[i &* steps.first] }
          }
        }
      }
    }
    return result.with(origin: origin)
  }

  /// The same elements with another history.
  package func with(origin: Origin?) -> Tensor {
    Tensor(shape: shape, strides: strides, offset: offset, dtype: dtype, storage: storage, origin: origin)
  }

  /// Calls `body` with the address of the first element.
  @inline(__always)
  package func withPointer<S: TensorScalar, Result>(
    of type: S.Type, _ body: (UnsafePointer<S>) throws -> Result
  ) rethrows -> Result {
    check(S.dtype == dtype, "Tensor", expected: "elements of \(S.dtype)", got: "\(dtype)")
    return try withExtendedLifetime(storage) {
      try body(UnsafePointer(storage.pointer.assumingMemoryBound(to: S.self)) + offset)
    }
  }

  /// Calls `body` with the address of the elements for writing; the elements are copied first when anything else can
  /// see them.
  package mutating func withMutablePointer<S: TensorScalar, Result>(
    of type: S.Type, _ body: (UnsafeMutablePointer<S>) throws -> Result
  ) rethrows -> Result {
    check(S.dtype == dtype, "Tensor", expected: "elements of \(S.dtype)", got: "\(dtype)")
    if !isContiguous || !isKnownUniquelyReferenced(&storage) { self = with(origin: nil).copied(as: S.self) }
    return try withExtendedLifetime(storage) {
      try body(storage.pointer.assumingMemoryBound(to: S.self) + offset)
    }
  }
}

extension Tensor {
  /// Returns the elements in row-major order.
  ///
  /// - Precondition: the type of the tensor's elements; `converted(to:)` changes it.
  /// - Complexity: one copy.
  public func scalars<S: TensorScalar>(as type: S.Type = S.self) -> [S] {
    let dense = contiguous
    return dense.withPointer(of: S.self) { Array(UnsafeBufferPointer(start: $0, count: dense.count)) }
  }

  /// Calls `body` with the elements in row-major order, without a copy where they lie so already.
  ///
  /// - Precondition: the type of the tensor's elements.
  public func withSpan<S: TensorScalar, Result>(of type: S.Type, _ body: (Span<S>) throws -> Result) rethrows -> Result
  {
    let dense = contiguous
    return try dense.withPointer(of: S.self) {
      try body(Span(_unsafeElements: UnsafeBufferPointer(start: $0, count: dense.count)))
    }
  }

  /// The only element, as a `Double`.
  ///
  /// - Precondition: a tensor of one element.
  public var item: Double {
    check(count == 1, "item", expected: "one element", got: "shape \(shape)")
    switch dtype.representation {
    case .float32: return withPointer(of: Float.self) { $0.pointee.asDouble }
    case .float64: return withPointer(of: Double.self) { $0.pointee }
    case .int32: return withPointer(of: Int32.self) { $0.pointee.asDouble }
    }
  }

  /// Returns the elements converted to another type, towards zero for int32. Gradients pass between floating types.
  ///
  /// - Precondition: elements that fit in int32, where that is asked for.
  /// - Complexity: O(1) for the type the tensor has, else a copy.
  public func converted(to target: DType) -> Tensor {
    if target == dtype { return self }
    let dense = contiguous
    let result: Tensor
    switch (dtype.representation, target.representation) {
    case (.float32, .float64): result = dense.convert(Float.self) { Double($0) }
    case (.float32, _): result = dense.convert(Float.self) { Int32(converting: Double($0)) }
    case (.float64, .float32): result = dense.convert(Double.self) { Float($0) }
    case (.float64, _): result = dense.convert(Double.self) { Int32(converting: $0) }
    case (.int32, .float64): result = dense.convert(Int32.self) { Double($0) }
    case (.int32, _): result = dense.convert(Int32.self) { Float($0) }
    }
    guard dtype.isFloating, target.isFloating else { return result }
    let source = dtype
    return result.derived(from: [self]) { upstream, _ in [upstream.converted(to: source)] }
  }

  private func convert<S: TensorScalar, R: TensorScalar>(_ from: S.Type, _ transform: (S) -> R) -> Tensor {
    Tensor(like: self, of: R.self) { output in
      withPointer(of: S.self) { input in for i in 0..<count { output[i] = transform(input[i]) } }
    }
  }
}
