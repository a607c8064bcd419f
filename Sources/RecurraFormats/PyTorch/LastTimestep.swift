package import RecurraLayers
package import RecurraTensor

/// Takes the last timestep of every row: PyTorch's `output[:, -1]`.
///
/// It stands where the layer before gives out every timestep and cannot be told to give out one: the last timestep of
/// a backward direction is the first that it has read.
///
/// - Shapes: `input` [B, T, I]; result [B, I]. With lengths the last timestep is each row's own.
package final class LastTimestep: Layer {
  package static var typeName: String { "LastTimestep" }

  package init() {}
  package convenience init(configuration: LayerArguments) throws(RecurraError) { self.init() }
  package var configuration: [String: JSONValue] { [:] }

  package func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] {
    try checkSequences(inputShape)
    return [inputShape[0], inputShape[2]]
  }

  package func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    try checkSequences(input)
    let x = input.value
    let (rows, timesteps, features) = (x.shape[0], x.shape[1], x.shape[2])
    guard timesteps > 0 else { throw failure(expected: "at least one timestep", got: "\(x.shape)") }
    guard let lengths = input.lengths else {
      return Signal(x.sliced((timesteps - 1)..<timesteps, axis: 1).squeezed(1), states: input.states)
    }
    let places = lengths.enumerated().map { row, length in Int32(row * timesteps + max(length - 1, 0)) }
    return Signal(x.reshaped([rows * timesteps, features]).gathered(Tensor(places)), states: input.states)
  }
}
