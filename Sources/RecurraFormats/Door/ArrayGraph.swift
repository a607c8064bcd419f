public import RecurraLayers
public import RecurraTensor

/// A model that is run once on the arrays as they are given: of any rank and type, never cut into batches.
public protocol ArrayGraph: Sendable {
  /// The names of the arrays it reads.
  var inputNames: [String] { get }
  /// The names of the arrays it gives.
  var outputNames: [String] { get }
  /// Runs the graph.
  ///
  /// - Parameter inputs: An array for each name of `inputNames`.
  /// - Returns: The outputs in the order of `outputNames`, each in the graph's own type.
  /// - Throws: `badData` for arrays that the graph does not take, with the node's name.
  func run(_ inputs: NamedValues<StoredTensor>) throws(RecurraError) -> [StoredTensor]
}
