internal import CRecurraKernels
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
  /// Units of a panel of the packed kernels; nil for OpenBLAS.
  package var panelUnits: Int?

  /// Describes a problem.
  package init(
    gates: Int, slots: Int, batch: Int, timesteps: Int, inputs: Int, units: Int, directions: Int = 1,
    isTraining: Bool = false, panelUnits: Int? = nil
  ) {
    (self.gates, self.slots, self.batch, self.timesteps) = (gates, slots, batch, timesteps)
    (self.inputs, self.units, self.directions) = (inputs, units, directions)
    (self.isTraining, self.panelUnits) = (isTraining, panelUnits)
  }

  init(
    _ cell: any RecurrentCell, _ kernels: RecurraCellKernels?, batch: Int, timesteps: Int, inputs: Int, units: Int,
    directions: Int = 1, isTraining: Bool = false
  ) {
    self.init(
      gates: cell.gateCount, slots: cell.slotCount, batch: batch, timesteps: timesteps, inputs: inputs, units: units,
      directions: directions, isTraining: isTraining, panelUnits: kernels?.panelUnits)
  }

  /// Numbers of U, and of [W; U].
  var stateWeights: Int { gates * units * units }
  var weights: Int { gates * units * (inputs + units) }
  /// Panels that a team can share.
  var panels: Int { panelUnits.map { (units + $0 - 1) / $0 } ?? 1 }
}
