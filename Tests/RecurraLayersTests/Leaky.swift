import RecurraCells
import RecurraLayers
import RecurraTensor

/// A recurrent layer of one's own with a setting of its own.
typealias Leaky = Recurrent<LeakyCell>

/// h′ = s·h + (1 − s)·tanh(x·W + h·U).
struct LeakyCell: GatedCell {
  static let name = "Leaky"
  static var settings: [CellSetting<Self>] { [.number("slope", \.slope)] }
  var slope = 0.5
  var gateCount: Int { 1 }
  func phases(units: Int) -> [[GateProduct]] { [[GateProduct(.inputAndState, gates: 0..<1, slot: 0)]] }

  func forward<S: FloatingScalar>(phase: Int, _ step: GateForward<S>) {
    for row in 0..<step.rows {
      let (gate, h, next) = (step.gates[row], step.h[row], step.nextH[row])
      for u in 0..<step.units {
        gate[u] = .hyperbolicTangent(gate[u])
        next[u] = S(slope) * h[u] + S(1 - slope) * gate[u]
      }
    }
  }

  func backward<S: FloatingScalar>(phase: Int, _ step: GateBackward<S>) {
    for row in 0..<step.rows {
      let (gate, dh) = (step.gates[row], step.dh[row])
      for u in 0..<step.units {
        gate[u] = dh[u] * S(1 - slope) * (1 - gate[u] * gate[u])
        dh[u] *= S(slope)
      }
    }
  }
}

extension Recurrent where Cell == LeakyCell {
  convenience init(units: Int, slope: Double, returnSequences: Bool = false, goBackwards: Bool = false) {
    self.init(
      LeakyCell(slope: slope), units: units, returnSequences: returnSequences, goBackwards: goBackwards)
  }
}
