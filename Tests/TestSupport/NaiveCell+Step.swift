import Glibc
import RecurraTensor

/// A timestep of every cell.
extension NaiveCell {
  /// One timestep of one row: x [I] and states [H] give the next states.
  package func step(_ x: [Double], _ states: [[Double]]) -> [[Double]] {
    let h = states[0]
    switch kind {
    case .simpleRNN, .clippedRNN:
      return [(0..<units).map { candidate(input(x, $0) + recurrent(h, $0)) }]
    case .indRNN:
      return [(0..<units).map { candidate(input(x, $0) + parameters[$0] * h[$0]) }]
    case .lstm, .peepholeLSTM, .clippedLSTM, .coupledLSTM: return lstm(x, states)
    case .gruResetAfter, .gruResetBefore, .clippedGRU: return gru(x, h)
    case .mgu:
      let open = (0..<units).map { gate(input(x, $0) + recurrent(h, $0)) }
      let filtered = (0..<units).map { open[$0] * h[$0] }
      return [
        (0..<units).map { unit in
          let new = candidate(input(x, units + unit) + recurrent(filtered, units + unit))
          return (1 - open[unit]) * h[unit] + open[unit] * new
        }
      ]
    case .minGRU:
      return [
        (0..<units).map { unit in
          let open = gate(input(x, unit))
          return (1 - open) * h[unit] + open * candidate(input(x, units + unit))
        }
      ]
    case .minLSTM:
      return [
        (0..<units).map { unit in
          let (f, i) = (logistic(input(x, unit)), logistic(input(x, units + unit)))
          return (f * h[unit] + i * candidate(input(x, 2 * units + unit))) / (f + i)
        }
      ]
    case .sLSTM: return exponentialLSTM(x, states)
    case .layerNormLSTM: return normalizedLSTM(x, states)
    case .layerNormGRU: return normalizedGRU(x, h)
    }
  }

  private func lstm(_ x: [Double], _ states: [[Double]]) -> [[Double]] {
    let isCoupled = kind == .coupledLSTM
    let (ofCandidate, ofOutput) = isCoupled ? (1, 2) : (2, 3)
    let next = (0..<units).map { unit -> (h: Double, c: Double) in
      let sums = (0...ofOutput).map { input(x, $0 * units + unit) + recurrent(states[0], $0 * units + unit) }
      func looking(_ gate: Int, at c: Double) -> Double {
        parameters.isEmpty ? 0 : parameters[gate * units + unit] * c
      }
      let before = states[1][unit]
      let i = gate(sums[0] + looking(0, at: before))
      let f = isCoupled ? 1 - i : gate(sums[1] + looking(1, at: before))
      var c = f * before + i * candidate(sums[ofCandidate])
      if let bound = kind.memoryClip { c = min(max(c, -bound), bound) }
      let o = gate(sums[ofOutput] + looking(ofOutput - 1, at: c))
      return (o * activation.definition(c), c)
    }
    return [next.map(\.h), next.map(\.c)]
  }

  private func gru(_ x: [Double], _ h: [Double]) -> [[Double]] {
    let gates = (0..<2 * units).map { gate(input(x, $0) + recurrent(h, $0)) }
    let filtered = (0..<units).map { gates[units + $0] * h[$0] }
    return [
      (0..<units).map { unit in
        let column = 2 * units + unit
        let memory =
          kind == .gruResetAfter ? gates[units + unit] * recurrent(h, column) : recurrent(filtered, column)
        return gates[unit] * h[unit] + (1 - gates[unit]) * candidate(input(x, column) + memory)
      }
    ]
  }

  /// With m as the engine keeps it, so that c and n can be compared.
  private func exponentialLSTM(_ x: [Double], _ states: [[Double]]) -> [[Double]] {
    var next = [[Double]](repeating: [], count: 4)
    for unit in 0..<units {
      let sums = (0..<4).map { input(x, $0 * units + unit) + recurrent(states[0], $0 * units + unit) }
      let (c, n, m) = (states[1][unit], states[2][unit], states[3][unit])
      let kept = log(logistic(sums[1])) + m
      let newM = n == 0 ? sums[0] : max(kept, sums[0])
      let (i, f) = (exp(sums[0] - newM), n == 0 ? 0 : exp(kept - newM))
      let (newC, newN) = (f * c + i * candidate(sums[2]), f * n + i)
      for (index, value) in [logistic(sums[3]) * newC / newN, newC, newN, newM].enumerated() {
        next[index].append(value)
      }
    }
    return next
  }

  private func normalizedLSTM(_ x: [Double], _ states: [[Double]]) -> [[Double]] {
    let all = 4 * units
    let (inputs, recurrents) = (
      normalized((0..<all).map { input(x, $0) }), normalized((0..<all).map { recurrent(states[0], $0) })
    )
    let sums = (0..<all).map {
      parameters[$0] * inputs[$0] + parameters[all + $0] * recurrents[$0] + parameters[2 * all + $0]
    }
    let c = (0..<units).map {
      gate(sums[units + $0]) * states[1][$0] + gate(sums[$0]) * candidate(sums[2 * units + $0])
    }
    let memory = normalized(c)
    let h = (0..<units).map { unit in
      gate(sums[3 * units + unit])
        * activation.definition(parameters[3 * all + unit] * memory[unit] + parameters[3 * all + units + unit])
    }
    return [h, c]
  }

  private func normalizedGRU(_ x: [Double], _ h: [Double]) -> [[Double]] {
    let all = 3 * units
    func halves(_ sums: [Double]) -> [Double] {
      normalized(Array(sums[..<(2 * units)])) + normalized(Array(sums[(2 * units)...]))
    }
    let (inputs, states) = (halves((0..<all).map { input(x, $0) }), halves((0..<all).map { recurrent(h, $0) }))
    func ofInput(_ column: Int) -> Double { parameters[column] * inputs[column] + parameters[2 * all + column] }
    return [
      (0..<units).map { unit in
        let gates = [unit, units + unit].map { gate(ofInput($0) + parameters[all + $0] * states[$0]) }
        let column = 2 * units + unit
        let inner = parameters[all + column] * states[column] + parameters[3 * all + unit]
        return gates[0] * h[unit] + (1 - gates[0]) * candidate(ofInput(column) + gates[1] * inner)
      }
    ]
  }

  private func normalized(_ values: [Double]) -> [Double] {
    let mean = values.reduce(0, +) / Double(values.count)
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
    return values.map { ($0 - mean) / (variance + kind.epsilon).squareRoot() }
  }

  private func logistic(_ x: Double) -> Double { Activation.sigmoid.definition(x) }
  private func clipped(_ x: Double) -> Double { kind.clip.map { min(max(x, -$0), $0) } ?? x }
  /// The function of a gate.
  private func gate(_ x: Double) -> Double { recurrentActivation.definition(clipped(x)) }
  /// The function of a candidate.
  private func candidate(_ x: Double) -> Double { activation.definition(clipped(x)) }

  /// x·W + b of one gate column.
  private func input(_ x: [Double], _ column: Int) -> Double {
    x.indices.reduce(bias?[column] ?? 0) { $0 + x[$1] * weights[$1][column] }
  }

  /// h·U of one gate column, with the recurrent bias where there is one.
  private func recurrent(_ h: [Double], _ column: Int) -> Double {
    let width = weights.first?.count ?? 0
    let start = kind == .gruResetAfter ? bias?[width + column] ?? 0 : 0
    let first = column / units * units
    return h.indices.reduce(start) {
      $0 + h[$1] * (masks?[first + $1] ?? 1) * weights[weights.count - units + $1][column]
    }
  }
}
