import RecurraCells
import RecurraLayers
import RecurraTensor

/// A recurrent layer of one's own with a setting of its own.
final class Leaky: RecurrentLayer {
  static var typeName: String { "Leaky" }
  let cell: LeakyCell
  let options: RecurrentOptions
  let state = RecurrentState()

  init(cell: LeakyCell, options: RecurrentOptions) {
    self.cell = cell
    self.options = options
  }

  convenience init(units: Int, slope: Double, returnSequences: Bool = false, goBackwards: Bool = false) {
    var options = RecurrentOptions(units: units)
    options.returnSequences = returnSequences
    options.goBackwards = goBackwards
    self.init(cell: LeakyCell(slope: slope), options: options)
  }

  convenience init(configuration: LayerArguments) throws(RecurraError) {
    var options = RecurrentOptions(units: try configuration.positive("units"))
    options.returnSequences = try configuration.bool("return_sequences")
    options.goBackwards = try configuration.bool("go_backwards")
    self.init(cell: LeakyCell(slope: try configuration.number("slope")), options: options)
  }

  var configuration: [String: JSONValue] {
    [
      "units": .integer(options.units), "return_sequences": .bool(options.returnSequences),
      "go_backwards": .bool(options.goBackwards), "slope": .number(cell.slope),
    ]
  }
}

/// h′ = s·h + (1 − s)·tanh(x·W + h·U).
struct LeakyCell: RecurrentCell {
  let slope: Double
  var gateCount: Int { 1 }
  var phases: [[GateProduct]] { [[GateProduct(.inputAndState, gates: 0..<1, slot: 0)]] }

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
