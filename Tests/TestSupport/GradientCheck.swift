package import RecurraTensor
package import Testing

/// Expects the gradients of `function` at `point` to agree with central differences in float64.
///
/// The result is projected on numbers that look random, so every element of it counts. The differences are of fourth
/// order with a step of `step`, so a kink or a pole must be farther than twice that from every element of `point`. An
/// element may be off by `bound` of its own magnitude, or of a hundredth of the largest in its tensor. Of large tensors
/// 96 elements are checked.
package func expectGradients(
  of function: ([Tensor]) -> Tensor, at point: [Tensor], bound: Double = Tolerance.gradient, step: Double = 3e-4,
  _ comment: @autoclosure () -> String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
  let point = point.map { $0.converted(to: .float64).detached }
  let tracked = point.map(\.tracked)
  let value = function(tracked)
  guard value.isTracked else {
    Issue.record("\(comment()) the result has no history", sourceLocation: sourceLocation)
    return
  }
  let projection = Tensor.varied(value.shape, seed: 77, in: 0.5...1.5)
  let gradients = value.gradients(withRespectTo: tracked, seed: projection)
  let weights = projection.doubles

  func projected(_ inputs: [Tensor]) -> Double {
    zip(function(inputs).doubles, weights).reduce(0) { $0 + $1.0 * $1.1 }
  }

  for (input, tensor) in point.enumerated() {
    guard gradients[input].shape == tensor.shape else {
      Issue.record(
        "\(comment()) gradient \(input) has shape \(gradients[input].shape) instead of \(tensor.shape)",
        sourceLocation: sourceLocation)
      continue
    }
    let found = gradients[input].doubles
    let largest = found.map(\.magnitude).max() ?? 0
    let elements = tensor.doubles
    // A step coprime to most extents visits all rows and columns.
    let positions = elements.count <= 96 ? Array(elements.indices) : (0..<96).map { $0 * 101 % elements.count }
    for position in positions {
      func shifted(_ distance: Double) -> Double {
        var moved = elements
        moved[position] += distance
        var inputs = point
        inputs[input] = Tensor(moved, shape: tensor.shape)
        return projected(inputs)
      }
      let near = shifted(step) - shifted(-step)
      let far = shifted(2 * step) - shifted(-2 * step)
      let wanted = (8 * near - far) / (12 * step)
      let scale = max(found[position].magnitude, wanted.magnitude, largest / 100)
      if !((found[position] - wanted).magnitude <= bound * scale) {
        Issue.record(
          "\(comment()) gradient \(input) at \(position): \(found[position]) instead of \(wanted)",
          sourceLocation: sourceLocation)
        return
      }
    }
  }
}
