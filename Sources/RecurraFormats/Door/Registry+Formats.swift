public import RecurraLayers

extension Registry {
  /// All layers of the engine, and those that stand for what only files of other systems have, such as an ONNX graph.
  public static let formats = Registry.standard.adding(ONNXLayer.self).adding(LastTimestep.self)
}
