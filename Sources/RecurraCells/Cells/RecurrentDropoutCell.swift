package import RecurraTensor

/// A cell whose gates see h through a mask each, the same at every timestep of a sequence: what another cell is in
/// training with recurrent dropout.
///
/// The masks are a further state, [G·P] for h of P numbers, which a call begins with and no step changes.
///
/// - Source: Gal & Ghahramani 2016 (arXiv:1512.05287); a mask for each gate, as Keras has it.
package struct RecurrentDropoutCell: CellWrapper {
  package let base: any GatedCell
  private let places: Places

  /// What steps ask for, made once.
  private struct Places {
    /// Numbers of h, of the masks, and of the states before them behind h.
    let outputs, masks, further: Int
    /// Where the scratch rows hold h masked for a gate of the first phase.
    let firsts: [Int]
    /// What the base leaves for each phase that meets U, and the gate whose mask that takes.
    let left: [[(first: Int, gate: Int)]]
  }

  /// Wraps a cell of some units.
  package init(_ base: any GatedCell, units: Int) {
    self.base = base
    let (widths, phases) = (base.stateWidths(units: units), base.phases(units: units))
    places = Places(
      outputs: widths[0], masks: base.gateCount * widths[0], further: widths.dropFirst().reduce(0, +),
      firsts: Self.ofState(phases[0], widths[0]).map(\.first),
      left: phases.map { products in
        products.compactMap {
          $0.operand == .scratch && $0.matrix == nil ? (first: $0.first, gate: $0.gates.lowerBound) : nil
        }
      })
  }
  /// Wraps a simple cell of one unit.
  package init() { self.init(SimpleRNNCell(), units: 1) }

  package func stateWidths(units: Int) -> [Int] {
    base.stateWidths(units: units) + [maskCount(units)]
  }

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
    let later = phases.dropFirst().map { products in
      products.map { product in
        product.matrix.map { GateProduct(scratch: product.first + maskCount(units), $0, slot: product.slot) }
          ?? GateProduct(
            .scratch, gates: product.gates, slot: product.slot, first: product.first + maskCount(units))
      }
    }
    return [ofInput, Self.ofState(phases[0], outputs)] + later
  }

  /// The products of the masked h, gate by gate.
  private static func ofState(_ products: [GateProduct], _ outputs: Int) -> [GateProduct] {
    products.filter { $0.operand == .state || $0.operand == .inputAndState }.flatMap { product in
      product.gates.map { gate in
        GateProduct(
          .scratch, gates: gate..<gate + 1, slot: product.slot + gate - product.gates.lowerBound, first: gate * outputs)
      }
    }
  }

  package func forward<S: FloatingScalar>(phase: Int, _ step: GateForward<S>) {
    let (units, masks, place, outputs) = (step.units, places.masks, places.further, places.outputs)
    let hasMemory = place > 0
    guard phase == 0 else {
      let own = GateForward(
        rows: step.rows, units: units, gates: step.gates, h: step.h, c: hasMemory ? step.c : step.h,
        nextH: step.nextH, nextC: hasMemory ? step.nextC : step.nextH,
        scratch: step.scratch.from(0, column: masks), saved: step.saved, parameters: step.parameters)
      base.forward(phase - 1, own)
      mask(phase, own.scratch, step.c, step.rows)
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
    let (units, masks, place, outputs) = (step.units, places.masks, places.further, places.outputs)
    let hasMemory = place > 0
    guard phase == 0 else {
      let own = GateBackward(
        rows: step.rows, units: units, gates: step.gates, h: step.h, c: hasMemory ? step.c : step.h,
        nextH: step.nextH, nextC: hasMemory ? step.nextC : step.nextH, dh: step.dh,
        dc: hasMemory ? step.dc : step.dh, scratch: step.scratch.from(0, column: masks), saved: step.saved,
        parameters: step.parameters)
      mask(phase, own.scratch, step.c, step.rows)
      base.backward(phase - 1, own)
      return
    }
    for row in 0..<step.rows {
      let (mask, ofMasked, dh) = (step.c[row] + place, step.scratch[row], step.dh[row])
      // Where a gate sees h in a later phase alone, nothing comes back here.
      for first in places.firsts {
        for u in 0..<outputs { dh[u] += mask[first + u] * ofMasked[first + u] }
      }
    }
  }

  package func addParameterGradients<S: FloatingScalar>(
    _ step: GateBackward<S>, _ units: Range<Int>, to sums: UnsafeMutablePointer<S>
  ) {
    let hasMemory = places.further > 0
    let own = GateBackward(
      rows: step.rows, units: step.units, gates: step.gates, h: step.h, c: hasMemory ? step.c : step.h,
      nextH: step.nextH, nextC: hasMemory ? step.nextC : step.nextH, dh: step.dh, dc: hasMemory ? step.dc : step.dh,
      scratch: step.scratch, saved: step.saved, parameters: step.parameters)
    base.add(own, units, to: sums)
  }

  /// Masks what the base has left for its next phase where that meets U: it is made of h.
  private func mask<S: FloatingScalar>(_ phase: Int, _ scratch: Rows<S>, _ states: Rows<S>, _ rows: Int) {
    guard phase < places.left.count else { return }
    let outputs = places.outputs
    for (first, gate) in places.left[phase] {
      for row in 0..<rows {
        let (mask, values) = (states[row] + places.further + gate * outputs, scratch[row] + first)
        for u in 0..<outputs { values[u] *= mask[u] }
      }
    }
  }
}
