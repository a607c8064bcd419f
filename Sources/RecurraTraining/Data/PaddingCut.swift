package import RecurraLayers
package import RecurraTensor

extension PaddingCut {
  /// What a model allows for an input, with lengths or without.
  package init(_ model: any Network, input: Int = 0, hasLengths: Bool) {
    let cut = model.graph.paddingCuts[input]
    self = cut == .pastLongestLength && !hasLengths ? .none : cut
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
