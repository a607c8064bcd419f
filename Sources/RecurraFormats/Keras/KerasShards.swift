internal import RecurraLayers
internal import RecurraTensor

/// Weights that Keras has cut into several files beside an index, a `.weights.json`.
enum KerasShards {
  /// Tells whether JSON is such an index.
  static func isIndex(_ json: JSONValue) -> Bool { json["weight_map"] != nil }

  /// All that lies in the files of an index, as one tree.
  ///
  /// - Parameters:
  ///   - index: The index: `{"weight_map": {"/layers/lstm/cell/vars": "model_00000.weights.h5", …}}`.
  ///   - path: Where the index is; the files lie beside it.
  ///   - operation: Names the index in errors.
  /// - Throws: `badFile` for files that are not beside the index, or that hold the same twice; `noInput` where one is
  ///   missing.
  static func read(_ index: JSONValue, at path: String, operation: String) throws(RecurraError) -> HDF5Group {
    func refused(_ expected: String, _ got: String) -> RecurraError {
      RecurraError(.badFile, operation: operation, expected: expected, got: got)
    }
    guard case .object(let members)? = index["weight_map"] else {
      throw refused("an object as weight_map", index["weight_map"]?.text.excerpt ?? "none")
    }
    var names: [String] = []
    for (place, value) in members {
      let files = if case .array(let list) = value { list } else { [value] }
      for file in files {
        guard case .string(let name) = file, name.hasSuffix(".h5"), !name.utf8.contains(0x2F), !name.utf8.contains(0)
        else { throw refused("the name of a file beside the index for \(place.excerpt)", file.text.excerpt) }
        if !names.contains(name) { names.append(name) }
      }
    }
    let folder = path.utf8.lastIndex(of: 0x2F).map { String(path[...$0]) } ?? ""
    var whole = HDF5Group(operation: operation)
    for name in names.sorted() {
      for (path, dataset) in try HDF5File.read(InputFile(folder + name)).datasets() {
        guard try whole.dataset(path) == nil else { throw refused("each of the weights once", "\(path.excerpt) twice") }
        whole.add(dataset, at: path.split(separator: "/").map(String.init))
      }
    }
    return whole
  }
}
