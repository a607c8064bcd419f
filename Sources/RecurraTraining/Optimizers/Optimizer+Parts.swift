package import RecurraLayers
package import RecurraTensor

/// What an optimiser remembers of parameters as a whole, where it keeps it for their parts.
extension Optimizer {
  /// The names of what is kept for each parameter.
  package var momentNames: [String] { moments.map(\.name) }

  /// The paths under which something is kept: of parameters that are trained, or of their parts.
  package func entryPaths(_ parameters: [(path: String, parameter: Parameter)]) -> [String] {
    OptimizerEntry.list(parameters, self).filter(\.parameter.isTrainable).map(\.path)
  }

  /// Cuts what stands for whole parameters, called "path/moment", into what is kept.
  package func cut(
    _ state: [String: Tensor], _ parameters: [(path: String, parameter: Parameter)]
  ) -> [String: Tensor] {
    var result = state
    for entry in OptimizerEntry.list(parameters, self) {
      guard let rows = entry.rows else { continue }
      let whole = parameters[entry.index].path
      for name in momentNames {
        guard let value = state["\(whole)/\(name)"] else { continue }
        result["\(whole)/\(name)"] = nil
        result["\(entry.path)/\(name)"] = value.rank == 0 ? value : value[rows]
      }
    }
    return result
  }

  /// Puts what is kept for parts together to what stands for whole parameters.
  package func joined(
    _ state: [String: Tensor], _ parameters: [(path: String, parameter: Parameter)]
  ) -> [String: Tensor] {
    var result = state
    let parts = OptimizerEntry.list(parameters, self).filter { $0.rows != nil }
    for (index, entries) in Dictionary(grouping: parts, by: \.index) {
      for name in momentNames {
        let values = entries.sorted { ($0.rows?.lowerBound ?? 0) < ($1.rows?.lowerBound ?? 0) }
          .compactMap { state["\($0.path)/\(name)"] }
        guard values.count == entries.count, let first = values.first else { continue }
        result["\(parameters[index].path)/\(name)"] = first.rank == 0 ? first : .concatenated(values)
      }
    }
    return result
  }
}
