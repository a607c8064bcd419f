package import RecurraTensor

/// A cell some of whose units keep their state for a timestep: what another cell is with zoneout.
///
/// In training each number of h, and of a memory beside it, stays as it was with a probability; the draws follow from a
/// key, which is a further state of three numbers: two that no step changes, and the number of the step.
/// Otherwise every number is the mean of what it would be.
///
/// - Source: Krueger et al. 2016 (arXiv:1606.01305).
package struct ZoneoutCell: CellWrapper {
  package let base: any GatedCell
  private let hiddenRate, memoryRate: Double
  /// The rates in parts of 2⁻³².
  private let hiddenBound, memoryBound: UInt64
  private let isTraining: Bool
  private let place: Places

  /// Wraps a cell of some units, the first of whose states behind h are held at the rate of the memory.
  package init(
    _ base: any GatedCell, units: Int, hidden: Double, memory: Double, memories: Int, isTraining: Bool
  ) {
    (self.base, hiddenRate, memoryRate, self.isTraining) = (base, hidden, memory, isTraining)
    (hiddenBound, memoryBound) = (UInt64(hidden * 4_294_967_296), UInt64(memory * 4_294_967_296))
    place = Places(base, units, memories)
  }
  /// Wraps a simple cell of one unit.
  package init() { self.init(SimpleRNNCell(), units: 1, hidden: 0, memory: 0, memories: 0, isTraining: false) }

  /// Numbers of the key; the first two are whole and below this.
  package static let keyCount = 3
  package static let keyBound = 1 << 24

  package func stateWidths(units: Int) -> [Int] {
    base.stateWidths(units: units) + (isTraining ? [Self.keyCount] : [])
  }
  package func phases(units: Int) -> [[GateProduct]] { base.phases(units: units) }
  package func scratchCount(units: Int) -> Int { base.scratchCount(units: units) }
  /// What the base keeps, the states as it made them, and what reaches the states before a step around it.
  package func savedCount(units: Int) -> Int {
    base.savedCount(units: units) + 2 * base.stateWidths(units: units).reduce(0, +)
  }

  package func forward<S: FloatingScalar>(phase: Int, _ step: GateForward<S>) {
    let hasMemory = place.further > 0
    base.forward(
      phase,
      GateForward(
        rows: step.rows, units: step.units, gates: step.gates, h: step.h, c: hasMemory ? step.c : step.h,
        nextH: step.nextH, nextC: hasMemory ? step.nextC : step.nextH, scratch: step.scratch, saved: step.saved,
        parameters: step.parameters))
    guard phase == place.lastPhase else { return }
    for row in 0..<step.rows {
      let saved = step.saved[row] + place.saved
      let (h, nextH, c, nextC) = (step.h[row], step.nextH[row], step.c[row], step.nextC[row])
      saved.update(from: nextH, count: place.outputs)
      if hasMemory { (saved + place.outputs).update(from: nextC, count: place.further) }
      let key = c + place.further
      let draws = isTraining ? Draws(key) : nil
      for u in 0..<place.outputs {
        let share: S = kept(draws, u, hiddenRate, hiddenBound, 0)
        nextH[u] = share * h[u] + (1 - share) * nextH[u]
      }
      if memoryRate > 0 {
        for u in 0..<place.held {
          let share: S = kept(draws, u, memoryRate, memoryBound, 32)
          nextC[u] = share * c[u] + (1 - share) * nextC[u]
        }
      }
      guard isTraining else { continue }
      let next = nextC + place.further
      (next[0], next[1], next[2]) = (key[0], key[1], key[2] + 1)
    }
  }

  package func backward<S: FloatingScalar>(phase: Int, _ step: GateBackward<S>) {
    let (hasMemory, made) = (place.further > 0, step.saved.from(0, column: place.saved))
    if phase == place.lastPhase {
      for row in 0..<step.rows {
        let around = step.saved[row] + place.saved + place.outputs + place.further
        let (dh, dc) = (step.dh[row], step.dc[row])
        let draws = isTraining ? Draws(step.c[row] + place.further) : nil
        for u in 0..<place.outputs {
          around[u] = dh[u] * kept(draws, u, hiddenRate, hiddenBound, 0)
          dh[u] -= around[u]
        }
        for u in 0..<place.further {
          around[place.outputs + u] =
            memoryRate > 0 && u < place.held ? dc[u] * kept(draws, u, memoryRate, memoryBound, 32) : 0
          dc[u] -= around[place.outputs + u]
        }
      }
    }
    base.backward(phase, inner(step, hasMemory, made, place))
    guard phase == 0 else { return }
    for row in 0..<step.rows {
      let around = step.saved[row] + place.saved + place.outputs + place.further
      let (dh, dc) = (step.dh[row], step.dc[row])
      for u in 0..<place.outputs { dh[u] += around[u] }
      for u in 0..<place.further { dc[u] += around[place.outputs + u] }
    }
  }

  package func addParameterGradients<S: FloatingScalar>(
    _ step: GateBackward<S>, _ units: Range<Int>, to sums: UnsafeMutablePointer<S>
  ) {
    base.add(
      inner(step, place.further > 0, step.saved.from(0, column: place.saved), place), units, to: sums)
  }

  /// The step as the base went through it: the states behind it are those that it made.
  private func inner<S: FloatingScalar>(
    _ step: GateBackward<S>, _ hasMemory: Bool, _ made: Rows<S>, _ place: Places
  ) -> GateBackward<S> {
    GateBackward(
      rows: step.rows, units: step.units, gates: step.gates, h: step.h, c: hasMemory ? step.c : step.h, nextH: made,
      nextC: hasMemory ? made.from(0, column: place.outputs) : made, dh: step.dh, dc: hasMemory ? step.dc : step.dh,
      scratch: step.scratch, saved: step.saved, parameters: step.parameters)
  }

  /// Numbers of the base's states, where its saved numbers end, and its last phase: made once.
  private struct Places {
    let outputs, further, held, saved, lastPhase: Int

    init(_ base: any GatedCell, _ units: Int, _ memories: Int) {
      let widths = base.stateWidths(units: units)
      (outputs, further, saved) = (widths[0], widths.dropFirst().reduce(0, +), base.savedCount(units: units))
      held = widths.dropFirst().prefix(memories).reduce(0, +)
      lastPhase = base.phases(units: units).count - 1
    }
  }

  /// How much of a number stays: all or nothing by a draw, or the share that does so on average.
  @inline(__always)
  private func kept<S: FloatingScalar>(
    _ draws: Draws?, _ unit: Int, _ rate: Double, _ bound: UInt64, _ shift: UInt64
  ) -> S {
    guard let draws else { return S(rate) }
    return draws.bits(unit) >> shift & 0xFFFF_FFFF < bound ? 1 : 0
  }

  /// The draws of a row at a step.
  private struct Draws {
    private let key: UInt64

    @inline(__always)
    init<S: FloatingScalar>(_ state: UnsafePointer<S>) {
      key = (UInt64(state[0]) << 40 | UInt64(state[1]) << 16) &+ UInt64(state[2]) &* 0x9E37_79B9_7F4A_7C15
    }

    /// 64 bits for a unit: SplitMix64's finaliser of the key and the unit.
    @inline(__always)
    func bits(_ unit: Int) -> UInt64 {
      var x = key ^ (UInt64(truncatingIfNeeded: unit) &* 0xD1B5_4A32_D192_ED03)
      x = (x ^ x >> 30) &* 0xBF58_476D_1CE4_E5B9
      x = (x ^ x >> 27) &* 0x94D0_49BB_1331_11EB
      return x ^ x >> 31
    }
  }
}
