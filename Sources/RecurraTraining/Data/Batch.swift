internal import RecurraLayers
internal import RecurraTensor

/// Some rows on their way through the model.
struct Batch {
  /// Each input's rows.
  let inputs: [Value]
  /// Each output's targets; none for prediction.
  let targets: [TrainingTarget]
  /// Where the rows stand in the whole batch, of which these may be a block: dropout is drawn by that.
  var firstRow: Int?

  /// The number of rows.
  var count: Int { inputs[0].shape[0] }
}
