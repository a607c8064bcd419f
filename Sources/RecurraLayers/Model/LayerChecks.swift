public import RecurraTensor

/// What layers check before they make or compute anything.
extension Layer {
  /// Refuses a whole number that the layer was made with, where it lies outside a range.
  ///
  /// - Throws: `badArgument` naming the setting.
  public func checkSetting(_ name: String, _ value: Int, in range: ClosedRange<Int>) throws(RecurraError) {
    guard !range.contains(value) else { return }
    throw failure(.badArgument, expected: "\(name) in \(range)", got: "\(value)")
  }

  /// Refuses a number that the layer was made with, where it lies outside a range or is NaN.
  ///
  /// - Throws: `badArgument` naming the setting.
  public func checkSetting(_ name: String, _ value: Double, in range: ClosedRange<Double>) throws(RecurraError) {
    guard !range.contains(value) else { return }
    let largest = Double.greatestFiniteMagnitude
    let wanted =
      range == -largest...largest
      ? "that is finite" : range.upperBound == largest ? "of at least \(range.lowerBound), and finite" : "in \(range)"
    throw failure(.badArgument, expected: "\(name) \(wanted)", got: "\(value)")
  }

  /// Refuses activations that look at more than one element, where a function is applied number by number.
  package func checkElementwise(_ activations: Activation...) throws(RecurraError) {
    for activation in activations where !activation.isElementwise {
      throw failure(.badArgument, expected: "an elementwise activation", got: activation.rawValue)
    }
  }

  /// Refuses extents below 0.
  package func checkExtents(_ shape: [Int?]) throws(RecurraError) {
    guard shape.contains(where: { ($0 ?? 0) < 0 }) else { return }
    throw failure(expected: "extents of 0 or more", got: text(of: shape))
  }

  /// Checks the shape of an input and returns its last extent.
  package func features(
    of shape: [Int?], rank: some RangeExpression<Int>, _ form: String
  ) throws(RecurraError) -> Int {
    try checkExtents(shape)
    guard rank.contains(shape.count), let last = shape.last, let features = last, features <= Self.maximumCount else {
      throw failure(expected: "input \(form) with a known I", got: text(of: shape))
    }
    return features
  }

  /// Checks that a shape is one of sequences.
  package func checkSequences(_ shape: [Int?]) throws(RecurraError) {
    try checkExtents(shape)
    guard shape.count == 3 else { throw failure(expected: "input [B, T, I]", got: text(of: shape)) }
  }

  /// Checks that a batch is one of sequences of floating numbers, and that its mask fits.
  package func checkSequences(_ input: Signal) throws(RecurraError) {
    try checkSequences(input.shape)
    guard input.value.dtype.isFloating else {
      throw failure(expected: "floating input", got: "\(input.value.dtype)")
    }
    try input.mask.check(rows: input.shape[0], timesteps: input.shape[1], Self.typeName)
  }

  /// Asks for the memory of a tensor that may be much larger than what it is made from.
  package func requireMemory(_ shape: [Int], _ dtype: DType) throws(RecurraError) {
    try MemoryLimit.require(MemoryLimit.bytes(shape + [dtype.byteCount]), Self.typeName, for: "a tensor \(shape)")
  }

  /// The place of an axis behind the batch in a shape; below 0 it is counted from the end.
  package func place(of axis: Int, in shape: [Int?]) throws(RecurraError) -> Int {
    let place = axis < 0 ? shape.count + axis : axis
    guard (1..<max(shape.count, 1)).contains(place) else {
      throw failure(expected: "an axis behind the batch, of \(shape.count)", got: "axis \(axis)")
    }
    return place
  }

  /// The places of several axes, each once and in order.
  package func places(_ axes: [Int], in shape: [Int?]) throws(RecurraError) -> [Int] {
    var places: Set<Int> = []
    for axis in axes { places.insert(try place(of: axis, in: shape)) }
    guard !places.isEmpty else { throw failure(expected: "an axis behind the batch", got: "none") }
    return places.sorted()
  }

  /// Checks an input's type and last extent against what the layer was built for.
  package func checkInput(
    _ input: Tensor, minimumRank: Int, features: Int, dtype: DType
  ) throws(RecurraError) {
    guard input.rank >= minimumRank, input.shape.last == features else {
      let axes = ["B"] + (1..<max(minimumRank - 1, 1)).map { _ in "T" } + ["\(features)"]
      throw failure(expected: "input [\(axes.joined(separator: ", "))]", got: "\(input.shape)")
    }
    guard input.dtype == dtype else { throw failure(expected: "\(dtype) input", got: "\(input.dtype)") }
  }

  /// Checks the number of valid timesteps of each row.
  package func checkLengths(_ lengths: [Int], rows: Int, timesteps: Int) throws(RecurraError) {
    try SequenceMask.lengths(lengths).check(rows: rows, timesteps: timesteps, Self.typeName)
  }

  /// Makes a parameter whose first value an initialiser draws when it is needed.
  ///
  /// - Parameters:
  ///   - name: what files call it within the layer.
  ///   - shape: its extents.
  ///   - dtype: its type, that which `build` was given.
  ///   - initializer: how the first value is drawn.
  ///   - random: what the first value follows from; a stream of its own for each parameter.
  /// - Throws: `badArgument` for an initialiser that cannot draw this shape and for more than 2³⁶ numbers,
  ///   `outOfMemory` where they do not fit within `MemoryLimit.byteCount`.
  public func parameter(
    _ name: String, shape: [Int], dtype: DType, initializer: Initializer, random: RandomSource
  ) throws(RecurraError) -> Parameter {
    try parameter(name, shape, dtype, initializer, random)
  }

  /// Makes a parameter that an initialiser draws when it is needed.
  package func parameter(
    _ name: String, _ shape: [Int], _ dtype: DType, _ initializer: Initializer, _ random: RandomSource,
    isStatistic: Bool = false
  ) throws(RecurraError) -> Parameter {
    try checkInitializer(initializer, of: name, axes: shape.count, dtype)
    return try parameter(name, shape, dtype, isStatistic: isStatistic) {
      initializer(shape, random: random, dtype: dtype)
    }
  }

  /// Makes a parameter whose first value is drawn when it is needed, unless there is no memory for it.
  package func parameter(
    _ name: String, _ shape: [Int], _ dtype: DType, isStatistic: Bool = false,
    parts: [(name: String, rows: Range<Int>)] = [],
    initialize: @escaping @Sendable () -> Tensor
  ) throws(RecurraError) -> Parameter {
    var count = 1
    for extent in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: max(extent, 1))
      guard extent >= 0, !overflow, product <= Self.maximumCount else {
        throw failure(.badArgument, expected: "a parameter \(name) of at most 2³⁶ numbers", got: "shape \(shape)")
      }
      count = product
    }
    try MemoryLimit.require(
      MemoryLimit.bytes(shape + [dtype.byteCount]), Self.typeName, for: "a parameter \(name) \(shape)")
    return Parameter(
      name, shape: shape, dtype: dtype, isStatistic: isStatistic, parts: parts, initialize: initialize)
  }

  /// Refuses an initialiser that cannot draw a parameter of so many axes.
  package func checkInitializer(
    _ initializer: Initializer, of name: String, axes: Int, _ dtype: DType
  ) throws(RecurraError) {
    guard let fault = initializer.fault(axes: axes, dtype: dtype) else { return }
    throw failure(.badArgument, expected: "an initialiser of the \(name) \(fault)", got: initializer.json.text)
  }

  /// The numbers that a parameter may have: 2³⁶.
  private static var maximumCount: Int { 1 << 36 }
}
