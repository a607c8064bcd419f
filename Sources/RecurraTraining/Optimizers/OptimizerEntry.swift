internal import RecurraLayers
internal import RecurraTensor

/// What an optimiser changes as one: a parameter, or rows of one that Keras keeps as a weight of its own.
struct OptimizerEntry {
  /// The path to the weight, by Keras' name where it is a part.
  let path: String
  /// The place of the parameter among the model's.
  let index: Int
  let parameter: Parameter
  /// nil for the whole parameter.
  let rows: Range<Int>?

  /// The extents of what is changed.
  var shape: [Int] { rows.map { [$0.count] + parameter.shape.dropFirst() } ?? parameter.shape }

  /// The entries for a model's parameters: whole ones, unless the rule or the clipping looks at weights as a whole, or
  /// some of a parameter's weights decay and others do not.
  static func list(
    _ parameters: [(path: String, parameter: Parameter)], _ optimizer: Optimizer
  ) -> [OptimizerEntry] {
    parameters.enumerated().flatMap { index, named in
      let (path, parameter) = named
      let parts = parameter.parts.map { part -> OptimizerEntry in
        let place = path.split(separator: "/", omittingEmptySubsequences: false).dropLast() + [Substring(part.name)]
        return OptimizerEntry(
          path: place.joined(separator: "/"), index: index, parameter: parameter, rows: part.rows)
      }
      let decaying = Set(parts.map { optimizer.decays($0.path) })
      let seesWholeWeights = optimizer.rule.seesWholeWeights || optimizer.clipping.isOfEachWeight
      guard parts.count > 1, seesWholeWeights || decaying.count > 1 else {
        // By the name of its parts, where it has any: that is what exclusions name.
        let isExcluded = decaying == [false]
        return [
          OptimizerEntry(
            path: path, index: index, parameter: parameter, rows: nil, isExcludedByParts: isExcluded)
        ]
      }
      return parts
    }
  }

  /// Tells whether each part's name excludes it from weight decay.
  var isExcludedByParts = false

  /// The part of the parameter's gradient.
  func part(of gradient: Gradient) -> Gradient {
    rows.map { .dense(gradient.dense[$0]) } ?? gradient
  }

  /// Changes the weight within its parameter.
  func update(_ body: (inout Tensor) -> Void) {
    parameter.update(rows: rows, body)
  }

  /// The weight as it stands.
  var value: Tensor { rows.map { parameter.value[$0] } ?? parameter.value }
}

extension Optimizer {
  /// Tells whether the weight at a path decays.
  func decays(_ path: String) -> Bool { !excludedFromWeightDecay.contains { path.contains($0) } }

  /// The weight decay of an entry.
  func weightDecay(of entry: OptimizerEntry) -> Double {
    guard !entry.isExcludedByParts, decays(entry.path) else { return 0 }
    return rule.weightDecay(weightDecay, path: entry.path, rank: entry.shape.count)
  }

  /// What is kept for an entry, with shapes.
  func moments(of entry: OptimizerEntry) -> [(moment: Moment, shape: [Int])] {
    moments.map { moment in
      let isRules = rule.moments.contains { $0.name == moment.name }
      return (moment, isRules ? rule.shape(of: moment, entry.shape) : entry.shape)
    }
  }
}
