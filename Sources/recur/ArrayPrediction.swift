internal import Recurra
internal import RecurraFormats
internal import RecurraLayers

/// Runs a graph once on arrays as they are: of any rank and type, never cut into batches.
struct ArrayPrediction {
  let graph: any ArrayGraph

  /// Reads the inputs, runs the graph and writes the outputs that are asked for, each in its own type.
  func run(_ inputs: NamedOption, _ targets: NamedOption) throws {
    let sources = try inputs.texts(for: graph.inputNames, "inputs", isComplete: true)
    let paths = try targets.texts(for: graph.outputNames, "outputs", isComplete: true)
    var arrays: NamedValues<StoredTensor> = [:]
    for (name, source) in zip(graph.inputNames, sources) {
      if let source { arrays[name] = try StoredTensor(numPy: InputSource.open(source)) }
    }
    let origin = DataFile.origin("x", sources, graph.inputNames)
    let outputs = try DataFile.naming(origin) { () throws(RecurraError) in try graph.run(arrays) }
    for case (let path?, let output) in zip(paths, outputs) {
      try OutputTarget.write(to: path) { (path, system) throws(RecurraError) in
        try AtomicFile.write(output.numPyBytes, to: path, system: system)
      }
    }
  }
}
