package import RecurraTensor

/// A cell that does something around another one's step: all but that is the other's.
package protocol CellWrapper: GatedCell {
  /// The cell within.
  var base: any GatedCell { get }
}

extension CellWrapper {
  package var gateCount: Int { base.gateCount }
  package var slotCount: Int { base.slotCount }
  package var hasStateProducts: Bool { base.hasStateProducts }
  package var hasSlotBias: Bool { base.hasSlotBias }
  package var slotNames: [String] { base.slotNames }
  package var memoryGates: MemoryGates? { base.memoryGates }
  package var gateOfUnitBias: Int? { base.gateOfUnitBias }
  package func parameters(inputs: Int, units: Int) -> [CellParameter] { base.parameters(inputs: inputs, units: units) }
  package func savedCount(units: Int) -> Int { base.savedCount(units: units) }
  package func biasShape(units: Int) -> [Int] { base.biasShape(units: units) }
  package func slotBias(_ bias: Tensor, units: Int) -> Tensor { base.slotBias(bias, units: units) }
  package func biasGradient(slots: Tensor, units: Int) -> Tensor { base.biasGradient(slots: slots, units: units) }
}
