package import RecurraLayers
package import RecurraTensor

/// The weights of a built model in Keras' files.
///
/// Keras 3 and the `.weights.h5` of Keras 2 call groups by class and number; the older files call them by the layers'
/// names. Which of them a file is, its content tells.
package enum KerasWeights {
  /// Gives a model the weights of a file.
  ///
  /// - Parameters:
  ///   - model: A built model.
  ///   - root: The file's root.
  /// - Throws: `badFile` naming layer and place for weights that are missing, too many or of another shape; the model
  ///   is as it was then.
  package static func load(into model: any Network, from root: HDF5Group) throws(RecurraError) {
    guard model.isBuilt else { throw model.failure(expected: "a built model", got: "one that has not been built") }
    let assignments: [(parameter: Parameter, value: Tensor)]
    if let legacy = try LegacyKerasWeights.group(in: root) {
      assignments = try LegacyKerasWeights(legacy).assignments(to: model)
    } else {
      var reader = KerasWeightsReader()
      assignments = try reader.assignments(to: model, from: root)
    }
    for (parameter, value) in assignments { parameter.value = value }
  }

  /// The weights of a model as Keras 3 keeps them: what `model.weights.h5` holds.
  package static func tree(of model: any Network) -> HDF5Group {
    var writer = KerasWeightsWriter()
    return writer.tree(of: model)
  }

  /// What the optimiser remembers: Keras 3 numbers its variables, older files name them.
  ///
  /// - Returns: Names and values in Keras' order; nil where the file has no optimiser.
  /// - Throws: `badFile` for what is damaged.
  package static func optimizerVariables(
    in root: HDF5Group
  ) throws(RecurraError) -> [(name: String, value: StoredTensor)]? {
    if let legacy = try root.group("optimizer_weights") {
      return try LegacyKerasWeights.values(of: legacy, "weight_names")
    }
    guard let variables = try root.group("optimizer")?.group("vars") else { return nil }
    return try KerasWeightsReader.variables(variables).enumerated().map { ("\($0)", $1) }
  }

  /// Adds what the optimiser remembers to the tree of a model.
  ///
  /// - Parameters:
  ///   - variables: The values in Keras' order: the number of updates, the learning rate, then its memories.
  ///   - name: Keras' name of the optimiser: "adam".
  ///   - root: The tree of the model.
  package static func addOptimizer(_ variables: [StoredTensor], named name: String, to root: inout HDF5Group) {
    KerasWeightsWriter.add(variables, named: name, at: ["optimizer"], to: &root)
  }
}
