import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// Expects a layer's gradients, with respect to its parameters, its input and its initial states, to agree with central
/// differences in float64. Every output and every final state counts.
func expectLayerGradients(
  _ layer: any Layer, input: Signal, random: RandomSource = RandomSource(seed: 9), isTraining: Bool = false,
  _ comment: String = "", sourceLocation: SourceLocation = #_sourceLocation
) throws {
  try layer.build(inputShape: anyBatch(of: input.value), random: random, dtype: .float64)
  for (index, parameter) in layer.parameters.enumerated() where parameter.dtype.isFloating {
    let range = parameter.isStatistic ? 0.3...0.9 : -0.7...0.9
    parameter.value = Tensor.varied(parameter.shape, seed: 30 + index, in: range)
  }
  let parameters = layer.parameters.filter { !$0.isStatistic }
  let context = ForwardContext(isTraining: isTraining, isRecording: true, random: random)

  func objective(_ signal: Signal) throws -> Tensor {
    let output = try layer.forward(signal, context)
    var sum = Tensor(0, dtype: .float64)
    for (index, value) in ([output.value] + output.furtherValues + output.states).enumerated() {
      sum = sum + (value * Tensor.varied(value.shape, seed: 50 + index, in: 0.5...1.5)).sum()
    }
    return sum
  }

  var tracked = input
  if input.value.dtype.isFloating { tracked.value = input.value.tracked }
  tracked.states = input.states.map(\.tracked)
  let sources =
    parameters.map(\.tracked) + (input.value.dtype.isFloating ? [tracked.value] : []) + tracked.states
  let gradients = try objective(tracked).gradients(withRespectTo: sources)

  for (index, parameter) in parameters.enumerated() {
    let original = parameter.value
    try expectDifferences(gradients[index], at: original, "\(comment) \(parameter.name)", sourceLocation) {
      parameter.value = $0
      return try objective(input).item
    }
    parameter.value = original
  }
  var position = parameters.count
  if input.value.dtype.isFloating {
    try expectDifferences(gradients[position], at: input.value, "\(comment) input", sourceLocation) {
      try objective(Signal($0, mask: input.mask, states: input.states)).item
    }
    position += 1
  }
  for index in input.states.indices {
    try expectDifferences(
      gradients[position + index], at: input.states[index], "\(comment) state \(index)", sourceLocation
    ) {
      var moved = input
      moved.states[index] = $0
      return try objective(moved).item
    }
  }
}

/// Compares a gradient with fourth-order central differences of a scalar function; of large tensors 60 elements.
private func expectDifferences(
  _ gradient: Tensor, at point: Tensor, _ comment: String, _ sourceLocation: SourceLocation,
  of function: (Tensor) throws -> Double
) throws {
  let (found, elements, step) = (gradient.doubles, point.doubles, 3e-4)
  let largest = found.map(\.magnitude).max() ?? 0
  #expect(largest > 0, "\(comment): no gradient at all", sourceLocation: sourceLocation)
  let positions = elements.count <= 60 ? Array(elements.indices) : (0..<60).map { $0 * 101 % elements.count }
  for position in positions {
    func shifted(_ distance: Double) throws -> Double {
      var moved = elements
      moved[position] += distance
      return try function(Tensor(moved, shape: point.shape))
    }
    let near = try shifted(step) - shifted(-step)
    let far = try shifted(2 * step) - shifted(-2 * step)
    let wanted = (8 * near - far) / (12 * step)
    let scale = max(found[position].magnitude, wanted.magnitude, largest / 100)
    #expect(
      (found[position] - wanted).magnitude <= Tolerance.gradient * scale,
      "\(comment) at \(position): \(found[position]) instead of \(wanted)", sourceLocation: sourceLocation)
  }
}
