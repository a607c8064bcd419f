public import RecurraLayers
public import RecurraTensor

/// Brings each feature to a common scale and back: z = (x − offset) / scale.
///
/// It is fitted on the training part alone; what it knew of the rest would flatter the validation. It belongs to the
/// model that was trained on its numbers, and is saved beside it or among its notes.
///
/// ```swift
/// let normalizer = try Normalizer.standard(fitting: series[0..<800])      // the first 800 of 1,000 timesteps
/// let (x, y) = try normalizer.normalized(series).windows(length: 24)
/// try trainer.fit(x[0..<776], y[0..<776], epochs: 10)                      // windows that end within them
/// let forecast = try normalizer.inverse(model.predict(x[776..<976]))
/// try model.save(to: "model.safetensors", notes: ["normalizer": normalizer.note])
/// ```
///
/// - Shapes: features are the last axis, [F], [N, F] or [N, T, F]; a tensor of one axis is a series of one feature. A
///   normaliser of one feature takes tensors of every shape.
public struct Normalizer: Sendable, Equatable {
  /// What is taken from each feature.
  public let offset: [Double]
  /// What each feature is divided by: never 0.
  public let scale: [Double]

  /// The number of features.
  public var featureCount: Int { offset.count }

  /// Makes a normaliser from its numbers.
  ///
  /// - Throws: `badData` unless there is one finite offset and one finite scale above 0 for each of one or more
  ///   features.
  public init(offset: [Double], scale: [Double]) throws(RecurraError) {
    guard !offset.isEmpty, offset.count == scale.count else {
      throw .normalizer(
        expected: "an offset and a scale for each feature", got: "\(offset.count) offsets and \(scale.count) scales")
    }
    for feature in offset.indices where !offset[feature].isFinite || !scale[feature].isFinite || scale[feature] <= 0 {
      throw .normalizer(
        expected: "finite offsets, and finite scales above 0",
        got: "\(offset[feature]) and \(scale[feature]) for feature \(feature)")
    }
    self.offset = offset
    self.scale = scale
  }

  /// Fits a normaliser that gives each feature mean 0 and standard deviation 1 (division by N); a constant feature
  /// becomes 0.
  ///
  /// - Parameters:
  ///   - x: the training part.
  ///   - lengths: the valid timesteps of each row of x [N, T, F]; what lies behind them is never looked at.
  /// - Throws: `badData` for no numbers, numbers that are not finite, with their place, and a spread that `Double`
  ///   cannot hold.
  /// - Complexity: two passes.
  public static func standard(fitting x: Tensor, lengths: [Int]? = nil) throws(RecurraError) -> Normalizer {
    let statistics = try FeatureStatistics(x, lengths)
    let deviations = statistics.deviations
    let scale = deviations.indices.map { statistics.isConstant($0) ? 1 : deviations[$0] }
    return try Normalizer(offset: statistics.means, scale: scale)
  }

  /// Fits a normaliser that brings each feature's smallest number to one end of a range and its largest to the other.
  ///
  /// A constant feature becomes the lower end.
  ///
  /// - Parameters:
  ///   - x: the training part.
  ///   - lengths: the valid timesteps of each row of x [N, T, F]; what lies behind them is never looked at.
  ///   - range: where the numbers shall lie.
  /// - Throws: `badArgument` for a range without extent; `badData` as `standard(fitting:lengths:)`.
  public static func minMax(
    fitting x: Tensor, lengths: [Int]? = nil, to range: ClosedRange<Double> = 0...1
  ) throws(RecurraError) -> Normalizer {
    let extent = range.upperBound - range.lowerBound
    guard extent > 0, extent.isFinite else {
      throw RecurraError(
        .badArgument, operation: "Normalizer", expected: "a finite range whose ends differ", got: "\(range)")
    }
    let statistics = try FeatureStatistics(x, lengths)
    let scale = statistics.minima.indices.map {
      statistics.isConstant($0) ? 1 : statistics.spread($0) / extent
    }
    return try Normalizer(
      offset: scale.indices.map { statistics.minima[$0] - range.lowerBound * scale[$0] }, scale: scale)
  }

  /// Returns the normaliser of one feature alone: for forecasts of that feature, which have no axis of features.
  ///
  /// - Throws: `badArgument` for a feature that is not there.
  public func feature(_ index: Int) throws(RecurraError) -> Normalizer {
    guard offset.indices.contains(index) else {
      throw RecurraError(
        .badArgument, operation: "Normalizer", expected: "a feature in 0..<\(featureCount)", got: "\(index)")
    }
    return try Normalizer(offset: [offset[index]], scale: [scale[index]])
  }

  /// Returns (x − offset) / scale, computed in double precision.
  ///
  /// - Parameters:
  ///   - x: numbers in their own units; int32 gives float32, floating types stay.
  ///   - lengths: the valid timesteps of each row of x [N, T, F]; what lies behind them stays as it is.
  /// - Throws: `badData` for another number of features.
  public func normalized(_ x: Tensor, lengths: [Int]? = nil) throws(RecurraError) -> Tensor {
    try transformed(x, lengths) { ($0 - $1) / $2 }
  }

  /// Returns z · scale + offset: the numbers in their own units again.
  ///
  /// - Parameters:
  ///   - z: normalised numbers, such as predictions.
  ///   - lengths: the valid timesteps of each row of z [N, T, F]; what lies behind them stays as it is.
  /// - Throws: `badData` for another number of features.
  public func inverse(_ z: Tensor, lengths: [Int]? = nil) throws(RecurraError) -> Tensor {
    try transformed(z, lengths) { $0 * $2 + $1 }
  }

  private func transformed(
    _ x: Tensor, _ lengths: [Int]?, _ transform: (_ x: Tensor, _ offset: Tensor, _ scale: Tensor) -> Tensor
  ) throws(RecurraError) -> Tensor {
    guard featureCount == 1 || x.shape.last == featureCount else {
      throw .normalizer(expected: "\(featureCount) features in the last axis", got: "shape \(Shape.text(x.shape))")
    }
    let type: DType = x.dtype == .float64 ? .float64 : .float32
    let shape = featureCount == 1 ? [] : [featureCount]
    let result = transform(
      x.converted(to: .float64), Tensor(offset, shape: shape), Tensor(scale, shape: shape)
    ).converted(to: type)
    guard let lengths else { return result }
    try FeatureStatistics.check(lengths, x)
    let timesteps = Tensor.arange(0, Double(x.shape[1]), dtype: .int32).reshaped([1, x.shape[1], 1])
    let ends = try Tensor(validating: lengths, shape: [lengths.count, 1, 1], dtype: .int32)
    return .select(timesteps.isLess(than: ends), result, x.converted(to: type))
  }
}

extension Normalizer: JSONRepresentable {
  /// `offset` and `scale`, a list each.
  public var json: JSONValue {
    .object([("offset", .array(offset.map(JSONValue.number))), ("scale", .array(scale.map(JSONValue.number)))])
  }

  /// Reads a normaliser.
  ///
  /// - Throws: `badData` for JSON that is no normaliser.
  public init(json: JSONValue) throws(RecurraError) {
    func numbers(_ name: String) throws(RecurraError) -> [Double] {
      guard case .array(let values)? = json[name] else {
        throw .normalizer(expected: "a list \(name)", got: json[name]?.kind ?? "none")
      }
      var numbers: [Double] = []
      for value in values {
        switch value {
        case .integer(let number): numbers.append(Double(number))
        case .number(let number): numbers.append(number)
        default: throw .normalizer(expected: "numbers in \(name)", got: value.kind)
        }
      }
      return numbers
    }
    try self.init(offset: numbers("offset"), scale: numbers("scale"))
  }
}

extension Normalizer: Codable {
  private enum CodingKeys: CodingKey { case offset, scale }

  /// Reads a normaliser; numbers that make none are a `DecodingError`.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let offset = try container.decode([Double].self, forKey: .offset)
    let scale = try container.decode([Double].self, forKey: .scale)
    do throws(RecurraError) {
      try self.init(offset: offset, scale: scale)
    } catch {
      throw DecodingError.dataCorruptedError(
        forKey: .scale, in: container, debugDescription: error.description)
    }
  }
}

extension Normalizer: CustomStringConvertible {
  /// Offset and scale of each feature; of more than eight the first ones.
  public var description: String {
    let shown = offset.indices.prefix(8).map { "(x − \(offset[$0])) / \(scale[$0])" }
    return "Normalizer(\(shown.joined(separator: ", "))\(featureCount > 8 ? ", … \(featureCount) features" : ""))"
  }
}

extension RecurraError {
  fileprivate static func normalizer(expected: String, got: String) -> RecurraError {
    RecurraError(.badData, operation: "Normalizer", expected: expected, got: got)
  }
}
