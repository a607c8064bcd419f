internal import RecurraTensor

/// All ways of laying a sequence of labels over timesteps: each label for one timestep or more, blanks (class 0)
/// between and around, and one at least between two labels that are the same.
///
/// Logarithms in Double throughout: the probability of a path of a thousand timesteps is no number otherwise.
///
/// - Source: Graves et al. 2006, connectionist temporal classification.
struct LabelAlignments {
  /// Labels with a blank before, between and behind them.
  private let states: [Int]
  /// Where a state may be entered from the one two before: behind a blank that need not be there.
  private let skips: [Bool]

  init(labels: [Int]) {
    var states = [0]
    for label in labels { states += [label, 0] }
    self.states = states
    skips = states.indices.map { $0 >= 2 && states[$0] != 0 && states[$0] != states[$0 - 2] }
  }

  /// The fewest timesteps over which labels can be laid: one for each, and a blank between two that are the same.
  static func leastTimesteps(_ labels: [Int]) -> Int {
    labels.count + zip(labels, labels.dropFirst()).count { $0 == $1 }
  }

  /// −ln of the probability of all alignments together, and its derivatives by the logits.
  ///
  /// - Parameters:
  ///   - logarithms: ln softmax of the logits, [T, C].
  ///   - wantsGradient: whether derivatives are made; [] otherwise.
  /// - Precondition: at least `leastTimesteps` timesteps, T ≥ 1.
  /// - Complexity: O(T·(C + L)) for L labels.
  func loss(_ logarithms: [Double], classes: Int, wantsGradient: Bool) -> (loss: Double, gradient: [Double]) {
    let (timesteps, count) = (logarithms.count / classes, states.count)
    let forward = forward(logarithms, timesteps, classes)
    let last = (timesteps - 1) * count
    let total = Self.sum(forward[last + count - 1], count > 1 ? forward[last + count - 2] : -.infinity)
    guard wantsGradient else { return (-total, []) }
    // softmax − what the alignments give each class of the timestep.
    var gradient = logarithms.map { Double.exponential($0) }
    // ln of what follows a state, without the timestep itself.
    var behind = [Double](repeating: -.infinity, count: count)
    behind[count - 1] = 0
    if count > 1 { behind[count - 2] = 0 }
    for time in (0..<timesteps).reversed() {
      for state in 0..<count {
        let share = forward[time * count + state] + behind[state] - total
        if share > -.infinity { gradient[time * classes + states[state]] -= Double.exponential(share) }
      }
      guard time > 0 else { break }
      let entered = (0..<count).map { behind[$0] + logarithms[time * classes + states[$0]] }
      for state in 0..<count {
        var sum = entered[state]
        if state + 1 < count { sum = Self.sum(sum, entered[state + 1]) }
        if state + 2 < count, skips[state + 2] { sum = Self.sum(sum, entered[state + 2]) }
        behind[state] = sum
      }
    }
    return (-total, gradient)
  }

  /// ln of the probability of being in a state at a timestep by any way, that timestep included: [T, states].
  private func forward(_ logarithms: [Double], _ timesteps: Int, _ classes: Int) -> [Double] {
    let count = states.count
    var reached = [Double](repeating: -.infinity, count: timesteps * count)
    for state in 0..<min(2, count) { reached[state] = logarithms[states[state]] }
    for time in 1..<max(timesteps, 1) {
      let before = (time - 1) * count
      for state in 0..<count {
        var sum = reached[before + state]
        if state >= 1 { sum = Self.sum(sum, reached[before + state - 1]) }
        if skips[state] { sum = Self.sum(sum, reached[before + state - 2]) }
        reached[time * count + state] = sum + logarithms[time * classes + states[state]]
      }
    }
    return reached
  }

  /// ln(eᵃ + eᵇ).
  private static func sum(_ a: Double, _ b: Double) -> Double {
    let (larger, smaller) = a > b ? (a, b) : (b, a)
    guard smaller > -.infinity else { return larger }
    return larger + Double.logarithmOnePlus(Double.exponential(smaller - larger))
  }
}
