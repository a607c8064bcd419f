/// What flows between the layers of an exported model.
struct ExportValue {
  /// The name of the tensor.
  var name: String
  /// The extents; nil for those that are not known, batch and time.
  var shape: [Int?]
  /// The name of the mask, truth values [B, T]; nil where every timestep counts.
  var mask: String?
}
