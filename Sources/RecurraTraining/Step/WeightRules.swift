internal import RecurraLayers
internal import RecurraTensor

/// What a model's weights cost in its loss, and what they are held to after every update.
struct WeightRules {
  private let weights: [RuledWeight]

  /// Collects the rules of a model that has been built; a weight that several layers share counts once.
  init(_ model: any Network) {
    struct Key: Hashable {
      let parameter: ObjectIdentifier
      let rows: Range<Int>?
    }
    var seen: Set<Key> = []
    weights = model.ruledWeights.filter {
      seen.insert(Key(parameter: ObjectIdentifier($0.parameter), rows: $0.rows)).inserted
    }
  }

  /// The weights that cost something; of frozen ones nothing is asked, as in Keras.
  private var costly: [RuledWeight] { weights.filter { $0.regularizer != nil && $0.parameter.isTrainable } }

  /// What the weights cost now.
  var penalty: Double { costly.reduce(0) { $0 + (penalty(of: $1, $1.parameter.value)?.item ?? 0) } }

  private func penalty(of weight: RuledWeight, _ value: Tensor) -> Tensor? {
    weight.regularizer?(weight.rows.map { value.sliced($0) } ?? value)
  }

  /// Adds the gradients of the penalties to those of the mean loss.
  ///
  /// - Parameters:
  ///   - gradients: one for each of `parameters`, as sums.
  ///   - scale: what makes means of them; 1 afterwards where penalties were added.
  func addGradients(to gradients: inout [Gradient], _ parameters: [Parameter], scale: inout Double) {
    let costly = costly
    guard !costly.isEmpty else { return }
    for (i, parameter) in parameters.enumerated() {
      let own = costly.filter { $0.parameter === parameter }
      let tracked = parameter.tracked
      let sum = own.compactMap { penalty(of: $0, tracked) }.reduce(nil as Tensor?) { sum, next in
        sum.map { $0 + next } ?? next
      }
      var gradient = scale == 1 ? gradients[i] : gradients[i] * scale
      if let sum { gradient = .dense(gradient.dense + sum.gradients(withRespectTo: [tracked])[0]) }
      gradients[i] = gradient
    }
    scale = 1
  }

  /// Brings weights back to what they are held to.
  func constrain() {
    for weight in weights where weight.parameter.isTrainable {
      guard let constraint = weight.constraint else { continue }
      weight.parameter.update(rows: weight.rows) { $0 = constraint($0).detached.contiguous }
    }
  }
}
