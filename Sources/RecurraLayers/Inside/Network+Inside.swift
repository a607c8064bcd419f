public import RecurraCells
public import RecurraTensor

/// What goes on inside a recurrent layer of a model.
extension Network {
  /// Shows what every gate, the candidate, the memory and the hidden state of a recurrent layer hold at every timestep.
  ///
  /// The layers before it are run as in inference; a model that is not asked pays nothing.
  ///
  /// - Parameters:
  ///   - x: the model's inputs [B, T, …].
  ///   - layer: the layer's name, or "name/name" inside a model within the model; the first recurrent layer when left
  ///     out.
  ///   - lengths: the valid timesteps of each row; all when left out.
  /// - Returns: a trace for each direction, the forward one first, or for each layer of a stack.
  ///   Timesteps are those of the input in both.
  /// - Throws: `badArgument` where there is no such recurrent layer, `badData` for an input that the model does not
  ///   take.
  public func traces(
    _ x: Tensor, of layer: String? = nil, lengths: [Int]? = nil
  ) throws(RecurraError) -> [RecurrentTrace] {
    let (signal, found) = try reached(x, layer, lengths)
    if let both = found.bidirectional { return try both.traces(signal) }
    var traces: [RecurrentTrace] = []
    for (layer, input) in zip(found.forward, try found.inputs(signal)) { traces.append(try layer.trace(input)) }
    return traces
  }

  /// Measures how much a hidden state still depends on those before it: ‖∂hₜ/∂hₜ₋ₖ‖
  /// for k = 0, 1, … back to the beginning.
  ///
  /// The norm is the largest singular value of the matrix of derivatives; the memory cₜ₋ₖ beside hₜ₋ₖ is
  /// held as it is. Computed in float64, whatever the model computes in.
  ///
  /// - Parameters:
  ///   - x: the model's inputs [B, T, …].
  ///   - layer: the layer, as `traces` takes it.
  ///   - row: the row of `x` to look at.
  ///   - step: t, counted from 0 in the order of time; the last valid timestep of a direction's way when left out.
  ///   - lengths: the valid timesteps of each row; all when left out.
  /// - Returns: the norms of each direction, the forward one first; the first number of each is
  ///   ‖∂hₜ/∂hₜ‖ = 1, the last ‖∂hₜ/∂h₋₁‖, that of the initial state.
  /// - Throws: what `traces` throws, `badArgument` for a row or step outside the data, and `outOfMemory`.
  /// - Complexity: t steps forward and back with a batch of H rows, and t singular values of H × H.
  public func stateGradientNorms(
    _ x: Tensor, of layer: String? = nil, row: Int = 0, step: Int? = nil, lengths: [Int]? = nil
  ) throws(RecurraError) -> [[Double]] {
    guard x.rank >= 1, (0..<x.shape[0]).contains(row) else {
      throw RecurraError(
        .badArgument, operation: "stateGradientNorms", expected: "a row in 0..<\(x.shape.first ?? 0)", got: "\(row)")
    }
    guard lengths == nil || lengths?.count == x.shape[0] else {
      throw RecurraError(
        .badData, operation: "stateGradientNorms", expected: "\(x.shape[0]) lengths", got: "\(lengths?.count ?? 0)")
    }
    let (signal, found) = try reached(x.sliced(row..<row + 1), layer, lengths.map { [$0[row]] })
    if let both = found.bidirectional { return try both.stateGradientNorms(signal, step) }
    var norms: [[Double]] = []
    for (layer, input) in zip(found.forward, try found.inputs(signal)) {
      norms.append(
        try layer.stateGradientNorms(input, input.states, step, isReversed: layer.options.goBackwards))
    }
    return norms
  }

  /// The signal that reaches a recurrent layer, and what the layer runs.
  private func reached(
    _ x: Tensor, _ path: String?, _ lengths: [Int]?
  ) throws(RecurraError) -> (signal: Signal, parts: RecurrentParts) {
    if !isBuilt { try build(inputShape: anyBatch(of: x), dtype: x.dtype == .float64 ? .float64 : .float32) }
    try requireParameterMemory("traces")
    let names = path.map { $0.split(separator: "/").map(String.init) }
    if let found = try reached(Signal(x, lengths: lengths), names) { return found }
    throw RecurraError(
      .badArgument, operation: name.excerpt,
      expected: "a recurrent layer: " + recurrentPaths.map(\.excerpt).joined(separator: ", "),
      got: path.map(\.excerpt) ?? "a model without one")
  }

  private func reached(
    _ signal: Signal, _ path: [String]?
  ) throws(RecurraError) -> (signal: Signal, parts: RecurrentParts)? {
    for (index, layer) in layers.enumerated() {
      let isNamed = path.map { $0.first.map { layerNames[index].hasBytes(of: $0) } ?? false }
      guard isNamed ?? true else { continue }
      if let model = layer.network, !model.recurrentPaths.isEmpty {
        let inner = try self.signal(reaching: index, signal)
        if let found = try model.reached(inner, path.map { Array($0.dropFirst()) }) { return found }
      } else if let parts = layer.recurrentParts, path.map({ $0.count == 1 }) ?? true {
        return (try self.signal(reaching: index, signal), parts)
      }
    }
    return nil
  }

  /// The recurrent layers, as callers may name them.
  private var recurrentPaths: [String] {
    zip(layerNames, layers).flatMap { name, layer -> [String] in
      if let model = layer.network { return model.recurrentPaths.map { "\(name)/\($0)" } }
      return layer.recurrentParts == nil ? [] : [name]
    }
  }
}
