internal import RecurraLayers
internal import RecurraTensor

/// Some rows on their way through the model.
struct Batch {
  let input: Value
  let targets: Tensor?
  /// [B] or [B, T]; nil when all rows count alike.
  let sampleWeights: Tensor?
  /// Where the rows stand in the whole batch, of which these may be a block: dropout is drawn by that.
  var firstRow: Int?

  /// The number of rows.
  var count: Int { input.shape[0] }
}
