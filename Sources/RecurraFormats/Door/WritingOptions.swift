package import RecurraLayers

/// What writing a model may be told besides where.
public struct WritingOptions: Sendable {
  /// The version of ONNX' operators to write.
  public var opset: Int
  /// What files are written with.
  package var system: any FileSystem = LocalFileSystem()

  /// Makes options.
  public init(opset: Int = 17) { self.opset = opset }
}
