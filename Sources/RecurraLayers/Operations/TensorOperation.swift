public import RecurraTensor

/// Applies an operation on tensors as a node of a graph: what `keras.ops` and operators leave in a functional model.
///
/// Elementwise arithmetic, comparison and functions, reductions, slices, and changes of shape; by Keras' name of the
/// operation, with NumPy's broadcasting. Masks end here, as in Keras.
///
/// - Throws: `badData` for tensors whose shapes do not go together.
public final class TensorOperation: MergingLayer {
  /// Names the class in files.
  public static var typeName: String { "TensorOperation" }
  /// Keras' name of the operation: "Multiply", "GetItem".
  public let operation: String

  /// The module and the settings of the operation, and what it is called with, as they stand in the file.
  private let description: [String: JSONValue]
  let arguments: [OperationArgument]
  let named: [String: OperationArgument]
  let settings: [String: OperationArgument]
  private let rule: OperationRule

  /// Makes an operation from `{"operation": "Multiply", "arguments": [{"tensor": 0}, 2]}`, with `settings` and `named`
  /// arguments where it has them.
  ///
  /// - Throws: `badArgument` for an operation that there is not, by its name.
  public init(configuration: LayerArguments) throws(RecurraError) {
    let name = try configuration.string("operation")
    guard let rule = OperationRule.all[name] else {
      throw configuration.failure(
        "operation", expected: "one of \(OperationRule.all.keys.sorted().joined(separator: ", "))", got: .string(name))
    }
    (operation, self.rule) = (name, rule)
    var description = ["operation": JSONValue.string(name)]
    func members(_ member: String) throws(RecurraError) -> [String: OperationArgument] {
      guard let value = configuration.value(member) else { return [:] }
      guard case .object(let values) = value else {
        throw configuration.failure(member, expected: "an object", got: value)
      }
      description[member] = value
      var arguments: [String: OperationArgument] = [:]
      for (key, value) in values { arguments[key] = try OperationArgument(value, name) }
      return arguments
    }
    guard case .array(let list)? = configuration.value("arguments") else {
      throw configuration.failure("arguments", expected: "a list", got: configuration.values["arguments"] ?? .null)
    }
    description["arguments"] = .array(list)
    if let module = configuration.value("module") { description["module"] = module }
    var arguments: [OperationArgument] = []
    for value in list { arguments.append(try OperationArgument(value, name)) }
    (settings, named) = (try members("settings"), try members("named"))
    (self.arguments, self.description) = (arguments, description)
  }

  /// The arguments, as `init(configuration:)` takes them.
  public var configuration: [String: JSONValue] { description }

  /// The shape of the result.
  public func outputShapes(for inputShapes: [[Int?]]) throws(RecurraError) -> [[Int?]] {
    let asked = (arguments + named.values).map(\.inputCount).max() ?? 0
    guard inputShapes.count >= max(1, asked) else {
      throw failure(expected: "\(max(1, asked)) tensors", got: "\(inputShapes.count)")
    }
    return [try rule.shape(OperationCall(self, shapes: inputShapes))]
  }

  /// Computes the operation.
  public func forward(_ inputs: [Value], _ context: ForwardContext) throws(RecurraError) -> [Value] {
    let tensors = inputs.map(\.tensor)
    let shapes = try outputShapes(for: tensors.map { $0.shape.map { Optional($0) } })
    let count = MemoryLimit.bytes(shapes[0].map { $0 ?? 1 } + [8])
    try MemoryLimit.require(count, operation, for: "its result \(text(of: shapes[0]))")
    return [Value(try rule.compute(OperationCall(self, tensors: tensors)))]
  }
}
