public import RecurraTensor

/// What every model says of itself.
extension Sequential {
  /// One input, called as Keras calls it.
  public var inputNames: [String] { ["input_layer"] }
  /// The name of the last layer.
  public var outputNames: [String] { [layerNames.last ?? name] }
  /// The input shape the model was built for, nil before.
  public var inputShapes: [[Int?]]? { inputShape.map { [$0] } }
  /// That of the first layer.
  public var inputIDCounts: [Int?] { [idCount] }
  /// true: that is what the model is.
  public var isChain: Bool { true }

  /// Makes the parameters for inputs of a shape, batch first, from the model's seed; does nothing when that has been
  /// done.
  public func build(inputShapes: [[Int?]], dtype: DType) throws(RecurraError) {
    try checkInputCount(inputShapes.count)
    try build(inputShape: inputShapes[0], dtype: dtype)
  }

  /// Works out what each layer is given and gives.
  public func layerShapes(for inputShapes: [[Int?]]) throws(RecurraError) -> [LayerShapes] {
    try checkInputCount(inputShapes.count)
    var shape = inputShapes[0]
    var shapes: [LayerShapes] = []
    for (index, layer) in layers.enumerated() {
      let output = try naming(layerNames[index]) { () throws(RecurraError) in try layer.outputShape(for: shape) }
      shapes.append(LayerShapes(layer: index, inputs: [shape], outputs: [output]))
      shape = output
    }
    return shapes
  }

  /// Runs the layers in front of one.
  public func signal(reaching layer: Int, _ input: Signal) throws(RecurraError) -> Signal {
    var signal = input
    for before in layers[..<layer] { signal = try before.forward(signal, ForwardContext()) }
    return signal
  }

  /// A row for each layer.
  public var summaryRows: [SummaryRow] {
    layers.indices.map { index in
      SummaryRow(name: layerNames[index], layer: layers[index], shapes: outputShapes.map { [$0[index]] })
    }
  }
}
