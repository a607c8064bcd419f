public import RecurraTensor

/// A model that is a graph of layers: several inputs and outputs, branches, shared layers, states that lead from one
/// layer to another.
///
/// ```swift
/// let x = Input(shape: [nil, 8])
/// let y = Bidirectional(LSTM(units: 4, returnSequences: true))(x)
/// let model = try Model(inputs: [x], outputs: [Add()(x, y)])
/// ```
///
/// It is a layer itself, so models nest. One model can answer requests from several threads at the same time.
public final class Model: Network {
  /// Names the class as Keras does.
  public static var typeName: String { "Functional" }

  /// The name of the model; Keras' default is "functional".
  public let name: String
  /// What the first values of the parameters follow from.
  public let seed: UInt64
  /// The layers, what each of them reads, and how they run.
  public let graph: NetworkGraph

  /// Makes a model of what leads from inputs to outputs, and builds it.
  ///
  /// Layers that are built already keep their parameters, so models may share them.
  ///
  /// - Parameters:
  ///   - inputs: values made by `Input(shape:)`, in the order in which batches are given.
  ///   - outputs: what the model gives out.
  ///   - name: the model's name.
  ///   - seed: what the first values of the parameters follow from.
  ///   - dtype: the type to compute in.
  /// - Throws: `badArgument` for a graph with an input that is missing or unused, and for a bad setting of a layer;
  ///   `badData` where a layer does not take the shapes it would get, with its name.
  public convenience init(
    inputs: [SymbolicValue], outputs: [SymbolicValue], name: String = "functional", seed: UInt64 = 0,
    dtype: DType = .float32
  ) throws(RecurraError) {
    self.init(plan: try GraphPlan(GraphDraft(inputs: inputs, outputs: outputs)), name: name, seed: seed)
    try buildForOwnShapes(dtype)
  }

  init(plan: GraphPlan, name: String, seed: UInt64) {
    self.name = name
    self.seed = seed
    graph = NetworkGraph(plan)
  }

  /// Builds the model for the shapes that its inputs were made with.
  func buildForOwnShapes(_ dtype: DType) throws(RecurraError) {
    try build(inputShapes: graph.plan.inputs.map { $0.shape ?? [] }, dtype: dtype)
  }
}
