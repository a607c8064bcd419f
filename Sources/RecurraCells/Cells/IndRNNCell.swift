public import RecurraTensor

/// The independently recurrent cell, whose units see themselves alone of the past: h′ = act(x·W + u⊙h + b).
///
/// W is all there is of the weights; u, [H], stands beside it as `recurrent_kernel`.
///
/// - Source: Li et al. 2018 (arXiv:1803.04831), ReLU by default, u drawn from 0…1.
public struct IndRNNCell: GatedCell {
  /// "IndRNN".
  public static let name = "IndRNN"
  /// The function.
  public static var settings: [CellSetting<Self>] { [.activation("activation", \.activation)] }

  /// The function of the new state.
  public var activation: Activation

  /// Makes a cell.
  public init(activation: Activation) { self.activation = activation }
  /// Makes a cell with ReLU.
  public init() { self.init(activation: .relu) }

  /// Blocks of H columns in the weights.
  public var gateCount: Int { 1 }
  /// No: u meets h unit by unit.
  public var hasStateProducts: Bool { false }
  /// The products of a step.
  public func phases(units: Int) -> [[GateProduct]] { [[GateProduct(.input, gates: 0..<1, slot: 0)]] }
  /// u, [H].
  public func parameters(inputs: Int, units: Int) -> [CellParameter] {
    [CellParameter("recurrent_kernel", [units], .uniform(0...1))]
  }

  /// Computes the next state; the gate buffer keeps the function's arguments.
  public func forward<S: FloatingScalar>(phase: Int, _ step: GateForward<S>) {
    let weights = step.parameters
    for row in 0..<step.rows {
      let (gates, h) = (step.gates[row], step.h[row])
      for u in 0..<step.units { gates[u] += weights[u] * h[u] }
      activation.apply(to: gates, into: step.nextH[row], step.units)
    }
  }

  /// Computes the gradients of the pre-activations and of the previous state.
  public func backward<S: FloatingScalar>(phase: Int, _ step: GateBackward<S>) {
    let weights = step.parameters
    for row in 0..<step.rows {
      let (gates, dh) = (step.gates[row], step.dh[row])
      activation.slopes(of: step.nextH[row], at: gates, into: gates, step.units)
      for u in 0..<step.units {
        gates[u] *= dh[u]
        dh[u] = gates[u] * weights[u]
      }
    }
  }

  /// Adds the gradient of u: that of each pre-activation times the h before.
  public func addParameterGradients<S: FloatingScalar>(
    _ step: GateBackward<S>, _ units: Range<Int>, to sums: UnsafeMutablePointer<S>
  ) {
    for row in 0..<step.rows {
      let (gates, h) = (step.gates[row], step.h[row])
      for u in units { sums[u] += gates[u] * h[u] }
    }
  }
}
