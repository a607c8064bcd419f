internal import RecurraLayers
internal import RecurraTensor

extension ONNXLayer {
  /// A model of the graph's inputs and the graph, which can be trained.
  ///
  /// - Returns: nil for a graph whose inputs and outputs have no batch that the file speaks of.
  func model() throws(RecurraError) -> Model? {
    let (inputs, outputs) = (file.program.inputs, file.program.outputs)
    guard !inputs.isEmpty, inputs.allSatisfy({ !($0.shape ?? []).isEmpty }),
      outputs.allSatisfy({ !($0.shape ?? []).isEmpty })
    else { return nil }
    var taken: Set<[UInt8]> = []
    /// Names stand in the paths of parameters, where a slash parts them.
    func own(_ name: String) -> String {
      var candidate = name.isEmpty ? "value" : name.replacing("/", with: "_")
      while !taken.insert(Array(candidate.utf8)).inserted { candidate += "_" }
      return candidate
    }
    let values = inputs.map { port in
      let shape = port.shape ?? []
      return Input(shape: Array(shape.dropFirst()), batchSize: shape[0], name: own(port.name))
    }
    let results = self(values, name: own("graph"))
    // A layer that changes nothing gives each output its name.
    let named = zip(results, outputs).map { ActivationLayer(.linear)($0, name: own($1.name)) }
    let isDouble = (inputs + outputs).contains { $0.format == .float64 }
    return try Model(inputs: values, outputs: named, name: "onnx", dtype: isDouble ? .float64 : .float32)
  }
}

extension ONNXModelMessage {
  /// The model without what its weights are: shapes and names stay.
  var withoutWeights: ONNXModelMessage {
    var bare = self
    bare.graph.removeWeights()
    bare.docString = ""
    bare.graph.valueInfo = []
    return bare
  }
}

extension ONNXGraphMessage {
  fileprivate mutating func removeWeights() {
    let names = TrainableWeights.names(in: node)
    for index in initializer.indices where names.isWeight(initializer[index].name, isInitializer: true) {
      initializer[index].removeData()
    }
    for index in node.indices {
      if node[index].operatorName == "Constant", let output = node[index].output.first,
        names.isWeight(output, isInitializer: false)
      {
        for attribute in node[index].attribute.indices where node[index].attribute[attribute].hasT {
          node[index].attribute[attribute].t.removeData()
        }
      }
      for attribute in node[index].attribute.indices where node[index].attribute[attribute].hasG {
        node[index].attribute[attribute].g.removeWeights()
      }
    }
  }
}

extension ONNXTensorMessage {
  fileprivate mutating func removeData() {
    guard let format = ElementFormat(code: dataType), format.isFloating, !dims.isEmpty, !dims.contains(0) else {
      return
    }
    clearRawData()
    clearDataLocation()
    (floatData, doubleData, int32Data, externalData) = ([], [], [], [])
  }
}
