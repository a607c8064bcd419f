package import RecurraLayers
package import RecurraTensor

/// Which timesteps of a batch no row needs, so that they can be left out without a change in meaning.
package enum PaddingCut {
  /// Every timestep is kept.
  case none
  /// Those behind the last id that is not 0: the model's embedding takes 0 for padding.
  case behindLastID
  /// Those past the longest of the given lengths.
  case pastLongestLength

  /// Finds what a model allows: only layers that respect lengths may see the timesteps, and only until one of them has
  /// taken the axis of time away.
  package init(_ model: any Network, hasLengths: Bool) {
    self = .none
    guard model.isChain else { return }
    var layers = model.layers[...]
    var cut = hasLengths ? PaddingCut.pastLongestLength : .none
    if let lookup = layers.first?.idLookup {
      if lookup.paddingID == 0 { cut = .behindLastID }
      layers = layers.dropFirst()
    }
    for layer in layers {
      guard let options = layer.recurrentParts?.options, !options.goBackwards else { return }
      if !options.returnSequences {
        self = cut
        return
      }
    }
  }

  /// The number of timesteps to keep of the rows numbered `rows` of x [N, T, …], at least 1.
  package func timesteps(of x: Tensor, _ rows: ArraySlice<Int>, _ lengths: [Int]?) -> Int {
    let timesteps = x.rank > 1 ? x.shape[1] : 1
    switch self {
    case .none: return timesteps
    case .pastLongestLength: return max(lengths?.max() ?? timesteps, 1)
    case .behindLastID:
      guard x.rank == 2, x.dtype == .int32 else { return timesteps }
      return x.withSpan(of: Int32.self) { ids in
        var longest = 1
        for row in rows {
          var length = timesteps
          while length > longest, ids[row * timesteps + length - 1] == 0 { length -= 1 }
          longest = length
        }
        return longest
      }
    }
  }
}

extension PaddingCut {
  /// Finds what a model allows with some data.
  init(_ model: any Network, _ data: TrainingData) {
    self.init(model, hasLengths: data.inputs.contains { !$0.mask.isAll })
  }
}
