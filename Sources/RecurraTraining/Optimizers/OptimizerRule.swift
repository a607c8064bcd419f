public import RecurraLayers
public import RecurraTensor

/// Says how the gradient of one parameter changes it: what an optimiser of one's own is made of.
///
/// Clipping, weight decay, frozen parameters, saving and restoring come with `Optimizer`.
///
/// ```swift
/// struct SignDescent: OptimizerRule {
///   static let name = "sign_descent"
///   let memory: Double
///   var configuration: [String: JSONValue] { ["memory": .number(memory)] }
///   var moments: [Moment] { [Moment("mean")] }
///
///   init(memory: Double = 0.9) { self.memory = memory }
///   init(configuration: LayerArguments) throws(RecurraError) {
///     memory = try configuration.number("memory", default: 0.9, in: 0...1)
///   }
///
///   func update(
///     _ weights: inout Tensor, gradient: Tensor, moments: inout OptimizerMoments, learningRate: Double, step: Int
///   ) {
///     moments["mean"] = moments["mean"] * memory + gradient * (1 - memory)
///     weights = weights - moments["mean"] / (moments["mean"].abs() + 1e-7) * learningRate
///   }
/// }
///
/// let trainer = try model.compile(loss: .meanSquaredError, optimizer: Optimizer(SignDescent(), learningRate: 0.01))
/// ```
public protocol OptimizerRule: Sendable {
  /// What files call the rule; lower case as Keras' names.
  static var name: String { get }
  /// The settings by name: what `init(configuration:)` needs to make the rule again.
  var configuration: [String: JSONValue] { get }
  /// The moments the rule keeps for each parameter.
  var moments: [Moment] { get }

  /// Makes a rule from its settings; a missing one has its default, an unknown or wrong one is an error.
  init(configuration: LayerArguments) throws(RecurraError)

  /// Changes one parameter and its moments.
  ///
  /// - Parameters:
  ///   - weights: the parameter, decayed already; its shape and type must stay.
  ///   - gradient: its gradient after clipping, of the same shape and type.
  ///   - moments: what this function left there at the parameter's last update.
  ///   - learningRate: η, how far a step goes.
  ///   - step: the number of this update of the parameter, from 1.
  func update(
    _ weights: inout Tensor, gradient: Tensor, moments: inout OptimizerMoments, learningRate: Double, step: Int)
}

/// Names a tensor that an optimiser keeps for each parameter, of the parameter's shape and type.
public struct Moment: Sendable, Equatable {
  /// What files and `OptimizerMoments` call it.
  public let name: String
  /// The number every element begins with.
  public let initialValue: Double

  /// Makes a moment.
  public init(_ name: String, initialValue: Double = 0) {
    self.name = name
    self.initialValue = initialValue
  }
}

/// Holds the moments of one parameter, by name.
public struct OptimizerMoments: Sendable {
  /// The names, in the order in which the rule lists them.
  public let names: [String]
  /// In the order of the names.
  var tensors: [Tensor]

  init(_ moments: [(moment: Moment, shape: [Int])], dtype: DType) {
    names = moments.map(\.moment.name)
    tensors = moments.map { .full($0.shape, $0.moment.initialValue, dtype: dtype) }
  }

  /// The moment of a name.
  ///
  /// - Precondition: the rule lists the name, and the shape and type stay.
  public subscript(name: String) -> Tensor {
    get { tensors[index(name)] }
    set {
      let index = index(name)
      let former = tensors[index]
      check(
        newValue.shape == former.shape && newValue.dtype == former.dtype, "moment \(name)",
        expected: "\(former.dtype) \(former.shape)", got: "\(newValue.dtype) \(newValue.shape)")
      tensors[index] = newValue.detached.contiguous
    }
  }

  private func index(_ name: String) -> Int {
    guard let index = names.firstIndex(of: name) else {
      stop("moments", expected: "one of \(names.joined(separator: ", "))", got: name)
    }
    return index
  }
}
