/// Names an end of a sequence, in Keras' words.
public enum SequenceEnd: String, Sendable, CaseIterable, Codable {
  /// In front of the first timestep.
  case pre
  /// Behind the last timestep.
  case post
}

extension Tensor {
  /// Brings lists of different lengths to one length, as Keras' `pad_sequences`.
  ///
  /// Padding goes behind unless said otherwise, because that is what `lengths` and `Embedding(maskZero:)` mean (Keras'
  /// default is `.pre`). Longer lists lose their first elements unless said otherwise, as in Keras.
  ///
  /// ```swift
  /// let (x, lengths) = try Tensor.padSequences([[4, 1, 7], [2]])   // [[4, 1, 7], [2, 0, 0]] and [3, 1]
  /// ```
  ///
  /// - Parameters:
  ///   - sequences: ids, or other numbers when `dtype` is a floating type.
  ///   - maxLength: the timesteps T of the result; those of the longest list when left out.
  ///   - dtype: the type of the elements.
  ///   - padding: where shorter lists are filled up.
  ///   - truncating: where longer lists are cut.
  ///   - value: what they are filled up with.
  /// - Returns: values [N, T], and for each row what `fit` and `predict` take as its length: the elements it kept. With
  ///   padding in front that is T for every row, because layers have no way to leave out a row's first timesteps.
  /// - Throws: `badData` for no lists, and for a number that `dtype` cannot hold, with its index and list;
  ///   `badArgument` for a `maxLength` below 1 and a `value` that `dtype` cannot hold;
  ///   `outOfMemory` for a result beyond `MemoryLimit`, as one long list among many short ones makes it.
  /// - Complexity: one pass.
  public static func padSequences<Number: TensorConvertible>(
    _ sequences: [[Number]], maxLength: Int? = nil, dtype: DType = .int32, padding: SequenceEnd = .post,
    truncating: SequenceEnd = .pre, value: Double = 0
  ) throws(RecurraError) -> (values: Tensor, lengths: [Int]) {
    let plan = try PaddingPlan(sequences.map(\.count), maxLength, padding, truncating, dtype)
    func filled<S: TensorScalar>(
      _ padding: S?, _ convert: (Number) -> S?
    ) throws(RecurraError) -> Tensor {
      guard let padding else { throw plan.failure(dtype, value) }
      var stray: (row: Int, index: Int)?
      let tensor = Tensor([sequences.count, plan.length], of: S.self) { output in
        output.update(repeating: padding, count: sequences.count * plan.length)
        for (row, sequence) in sequences.enumerated() {
          let target = output + row * plan.length + plan.start(of: row)
          let kept = plan.kept(of: row)
          for index in kept {
            guard let element = convert(sequence[index]) else {
              stray = (row, index)
              return
            }
            target[index - kept.lowerBound] = element
          }
        }
      }
      guard let stray else { return tensor }
      throw .unrepresentable(
        sequences[stray.row][stray.index], dtype, "padSequences", place: "\(stray.index) of sequence \(stray.row)")
    }
    let values: Tensor
    if dtype == .int32 {
      values = try filled(Double.int32(value), Number.int32)
    } else if dtype == .float64 {
      values = try filled(value, Number.float64)
    } else {
      values = try filled(Double.float32(value), Number.float32)
    }
    return (values, plan.lengths)
  }

  /// Brings sequences of vectors to one length, as Keras' `pad_sequences`; see `padSequences` of lists for the
  /// arguments.
  ///
  /// - Shapes: sequences [Tₙ, F] give values [N, T, F]; further axes are kept, and so is the type. [Tₙ] gives [N,
  ///   T].
  /// - Returns: the values, and for each row what `fit` and `predict` take as its length.
  /// - Throws: `badData` for no sequences, and for one of another type or other extents behind the first axis than
  ///   sequence 0; `badArgument` for a `maxLength` below 1 and a `value` that the type cannot hold.
  public static func padSequences(
    _ sequences: [Tensor], maxLength: Int? = nil, padding: SequenceEnd = .post, truncating: SequenceEnd = .pre,
    value: Double = 0
  ) throws(RecurraError) -> (values: Tensor, lengths: [Int]) {
    guard let first = sequences.first, first.rank >= 1 else {
      throw RecurraError(
        .badData, operation: "padSequences", expected: "at least one sequence, with an axis of timesteps",
        got: sequences.isEmpty ? "none" : "shape []")
    }
    for (row, sequence) in sequences.enumerated() {
      guard sequence.dtype == first.dtype, sequence.rank == first.rank,
        sequence.shape.dropFirst() == first.shape.dropFirst()
      else {
        let wanted = (["T"] + first.shape.dropFirst().map(String.init)).joined(separator: ", ")
        throw RecurraError(
          .badData, operation: "padSequences",
          expected: "sequences of \(first.dtype.rawValue) [\(wanted)], as sequence 0",
          got: "\(sequence.dtype.rawValue) \(Shape.text(sequence.shape)) in sequence \(row)")
      }
    }
    let plan = try PaddingPlan(
      sequences.map { $0.shape[0] }, maxLength, padding, truncating, first.dtype,
      features: Array(first.shape.dropFirst()))
    guard first.dtype == .int32 ? Double.int32(value) != nil : first.dtype == .float64 || Double.float32(value) != nil
    else { throw plan.failure(first.dtype, value) }
    let rows = sequences.enumerated().map { row, sequence in
      let kept = sequence[plan.kept(of: row)]
      let missing = plan.length - kept.shape[0]
      if missing == 0 { return kept }
      let filling = Tensor.full([missing] + kept.shape.dropFirst(), value, dtype: kept.dtype)
      return .concatenated(plan.start(of: row) == 0 ? [kept, filling] : [filling, kept])
    }
    return (.stacked(rows), plan.lengths)
  }
}

/// Which part of each sequence is kept, and where it goes.
private struct PaddingPlan {
  let length: Int
  private let counts: [Int]
  private let padding: SequenceEnd
  private let truncating: SequenceEnd

  init(
    _ counts: [Int], _ maxLength: Int?, _ padding: SequenceEnd, _ truncating: SequenceEnd, _ dtype: DType,
    features: [Int] = []
  ) throws(RecurraError) {
    guard let longest = counts.max() else {
      throw RecurraError(.badData, operation: "padSequences", expected: "at least one sequence", got: "none")
    }
    if let maxLength, maxLength < 1 {
      throw RecurraError(
        .badArgument, operation: "padSequences", expected: "a maxLength of 1 or more", got: "\(maxLength)")
    }
    length = maxLength ?? longest
    self.counts = counts
    self.padding = padding
    self.truncating = truncating
    let shape = [counts.count, length] + features
    let count = try Shape.validated(shape, byteCount: dtype.byteCount, operation: "padSequences")
    try MemoryLimit.require(count * dtype.byteCount, "padSequences", for: "values \(shape)")
  }

  /// The indices of a sequence that are kept.
  func kept(of row: Int) -> Range<Int> {
    let surplus = max(counts[row] - length, 0)
    return truncating == .pre ? surplus..<counts[row] : 0..<(counts[row] - surplus)
  }

  /// The timestep at which the first of them stands.
  func start(of row: Int) -> Int { padding == .pre ? length - kept(of: row).count : 0 }

  /// How many timesteps of each row layers have to read.
  var lengths: [Int] { counts.indices.map { padding == .pre ? length : kept(of: $0).count } }

  func failure(_ dtype: DType, _ value: Double) -> RecurraError {
    RecurraError(
      .badArgument, operation: "padSequences", expected: "a value that \(dtype.rawValue) holds", got: "\(value)")
  }
}
