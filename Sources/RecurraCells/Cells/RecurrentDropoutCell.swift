package import RecurraTensor

/// A cell whose gates see h through a mask each, the same at every timestep of a sequence: what another cell is in
/// training with recurrent dropout.
///
/// The masks are a further state, [G·P] for h of P numbers, which a call begins with and no step changes.
///
/// - Source: Gal & Ghahramani 2016 (arXiv:1512.05287); a mask for each gate, as Keras has it.
package struct RecurrentDropoutCell: GatedCell {
  private let base: any GatedCell

  /// Wraps a cell.
  package init(_ base: any GatedCell) { self.base = base }
  /// Wraps a simple cell.
  package init() { self.init(SimpleRNNCell()) }

  package var gateCount: Int { base.gateCount }
  package var slotCount: Int { base.slotCount }
  package var hasStateProducts: Bool { base.hasStateProducts }
  package var hasSlotBias: Bool { base.hasSlotBias }
  package var slotNames: [String] { base.slotNames }
  package var memoryGates: MemoryGates? { base.memoryGates }
  package var gateOfUnitBias: Int? { base.gateOfUnitBias }
  package func stateWidths(units: Int) -> [Int] {
    base.stateWidths(units: units) + [maskCount(units)]
  }
  package func parameters(inputs: Int, units: Int) -> [CellParameter] { base.parameters(inputs: inputs, units: units) }
  package func savedCount(units: Int) -> Int { base.savedCount(units: units) }
  package func biasShape(units: Int) -> [Int] { base.biasShape(units: units) }
  package func slotBias(_ bias: Tensor, units: Int) -> Tensor { base.slotBias(bias, units: units) }
  package func biasGradient(slots: Tensor, units: Int) -> Tensor { base.biasGradient(slots: slots, units: units) }

  /// Numbers of the masks of all gates.
  package func maskCount(_ units: Int) -> Int { base.gateCount * base.stateWidths(units: units)[0] }
  package func scratchCount(units: Int) -> Int {
    maskCount(units) + (base.phases(units: units).count > 1 ? base.scratchCount(units: units) : 0)
  }

  /// The input's products first, while h is masked; then those of the masked h, gate by gate, and what follows.
  package func phases(units: Int) -> [[GateProduct]] {
    let (phases, outputs) = (base.phases(units: units), base.stateWidths(units: units)[0])
    let ofInput = phases[0].filter { $0.operand == .input || $0.operand == .inputAndState }.map {
      GateProduct(.input, gates: $0.gates, slot: $0.slot)
    }
    let ofState = phases[0].filter { $0.operand == .state || $0.operand == .inputAndState }.flatMap { product in
      product.gates.map { gate in
        GateProduct(
          .scratch, gates: gate..<gate + 1, slot: product.slot + gate - product.gates.lowerBound, first: gate * outputs)
      }
    }
    let later = phases.dropFirst().map { products in
      products.map { product in
        product.matrix.map { GateProduct(scratch: product.first + maskCount(units), $0, slot: product.slot) }
          ?? GateProduct(
            .scratch, gates: product.gates, slot: product.slot, first: product.first + maskCount(units))
      }
    }
    return [ofInput, ofState] + later
  }

  package func forward<S: FloatingScalar>(phase: Int, _ step: GateForward<S>) {
    let (units, masks) = (step.units, maskCount(step.units))
    let (place, outputs) = (maskPlace(units), base.stateWidths(units: units)[0])
    guard phase == 0 else {
      let own = GateForward(
        rows: step.rows, units: units, gates: step.gates, h: step.h, c: base.stateCount > 1 ? step.c : step.h,
        nextH: step.nextH, nextC: base.stateCount > 1 ? step.nextC : step.nextH,
        scratch: step.scratch.from(0, column: masks), saved: step.saved, parameters: step.parameters)
      base.forward(phase - 1, own)
      mask(phase, own.scratch, step.c, step.rows, units)
      return
    }
    for row in 0..<step.rows {
      let (mask, masked, h) = (step.c[row] + place, step.scratch[row], step.h[row])
      for first in stride(from: 0, to: masks, by: outputs) {
        for u in 0..<outputs { masked[first + u] = mask[first + u] * h[u] }
      }
      (step.nextC[row] + place).update(from: mask, count: masks)
    }
  }

  package func backward<S: FloatingScalar>(phase: Int, _ step: GateBackward<S>) {
    let (units, masks) = (step.units, maskCount(step.units))
    let (place, outputs) = (maskPlace(units), base.stateWidths(units: units)[0])
    guard phase == 0 else {
      let hasMemory = base.stateCount > 1
      let own = GateBackward(
        rows: step.rows, units: units, gates: step.gates, h: step.h, c: hasMemory ? step.c : step.h,
        nextH: step.nextH, nextC: hasMemory ? step.nextC : step.nextH, dh: step.dh,
        dc: hasMemory ? step.dc : step.dh, scratch: step.scratch.from(0, column: masks), saved: step.saved,
        parameters: step.parameters)
      mask(phase, own.scratch, step.c, step.rows, units)
      base.backward(phase - 1, own)
      return
    }
    // Where a gate sees h in a later phase alone, nothing comes back here.
    let firsts = phases(units: units)[1].map(\.first)
    for row in 0..<step.rows {
      let (mask, ofMasked, dh) = (step.c[row] + place, step.scratch[row], step.dh[row])
      for first in firsts {
        for u in 0..<outputs { dh[u] += mask[first + u] * ofMasked[first + u] }
      }
    }
  }

  package func addParameterGradients<S: FloatingScalar>(
    _ step: GateBackward<S>, _ units: Range<Int>, to sums: UnsafeMutablePointer<S>
  ) {
    let hasMemory = base.stateCount > 1
    let own = GateBackward(
      rows: step.rows, units: step.units, gates: step.gates, h: step.h, c: hasMemory ? step.c : step.h,
      nextH: step.nextH, nextC: hasMemory ? step.nextC : step.nextH, dh: step.dh, dc: hasMemory ? step.dc : step.dh,
      scratch: step.scratch, saved: step.saved, parameters: step.parameters)
    base.add(own, units, to: sums)
  }

  /// Where the masks lie among the states behind h.
  private func maskPlace(_ units: Int) -> Int { base.stateWidths(units: units).dropFirst().reduce(0, +) }

  /// Masks what the base has left for its next phase where that meets U: it is made of h.
  private func mask<S: FloatingScalar>(
    _ phase: Int, _ scratch: Rows<S>, _ states: Rows<S>, _ rows: Int, _ units: Int
  ) {
    let phases = base.phases(units: units)
    guard phase < phases.count else { return }
    let (place, outputs) = (maskPlace(units), base.stateWidths(units: units)[0])
    for product in phases[phase] where product.matrix == nil {
      for row in 0..<rows {
        let mask = states[row] + place + product.gates.lowerBound * outputs
        let values = scratch[row] + product.first
        for u in 0..<outputs { values[u] *= mask[u] }
      }
    }
  }
}
