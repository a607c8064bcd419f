import RecurraTensor

/// What a call of a recurrent layer has to compute, as far as a schedule depends on it: shapes, never data.
package struct Problem: Sendable, Equatable {
  /// Blocks of H columns in the weights, and blocks of H numbers in a row of the gate buffer.
  package var gates, slots: Int
  /// B, T, I and H; no inputs where their product is looked up.
  package var batch, timesteps, inputs, units: Int
  /// Directions that run at the same time.
  package var directions = 1
  /// Tells whether gates and states are kept for the way back.
  package var isTraining = false
  /// What multiplies.
  package var rung: Rung

  /// The ways to compute a step's products and gates, of which each cell takes the fastest that it has.
  package enum Rung: Sendable, Equatable {
    /// OpenBLAS' products: the reference, for every cell and type.
    case openBLAS
    /// Packed products, then the cell's gates over whole rows.
    case packed
    /// Packed products with the gates in the kernel, in panels of so many units.
    case fused(panelUnits: Int)
  }

  /// Describes a problem.
  package init(
    gates: Int, slots: Int, batch: Int, timesteps: Int, inputs: Int, units: Int, directions: Int = 1,
    isTraining: Bool = false, rung: Rung
  ) {
    (self.gates, self.slots, self.batch, self.timesteps) = (gates, slots, batch, timesteps)
    (self.inputs, self.units, self.directions) = (inputs, units, directions)
    (self.isTraining, self.rung) = (isTraining, rung)
  }

  init(
    _ cell: any GatedCell, _ way: StepMultiplication, batch: Int, timesteps: Int, inputs: Int, units: Int,
    directions: Int = 1, isTraining: Bool = false
  ) {
    self.init(
      gates: cell.gateCount, slots: cell.slotCount, batch: batch, timesteps: timesteps, inputs: inputs, units: units,
      directions: directions, isTraining: isTraining, rung: way.rung)
  }

  /// Numbers of U, and of [W; U].
  var stateWeights: Int { gates * units * units }
  var weights: Int { gates * units * (inputs + units) }
  /// Panels that a team can share.
  var panels: Int {
    guard case .fused(let panelUnits) = rung else { return 1 }
    return (units + panelUnits - 1) / panelUnits
  }
  var isFused: Bool { if case .fused = rung { true } else { false } }
}
