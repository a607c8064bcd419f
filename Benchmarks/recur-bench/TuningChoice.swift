import RecurraCells

/// A number of the engine's tuning by name, and another value for it: "turnRows=4", "bits.blockedRows=32".
struct TuningChoice {
  let name: String
  let value: Double

  init?(_ text: String) {
    let parts = text.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, let value = Double(parts[1]), value > 0, value <= 1e15 else { return nil }
    // Some of the whole numbers are divided by.
    guard Self.shares[parts[0]] != nil || (Self.counts[parts[0]] != nil && value >= 1) else { return nil }
    (name, self.value) = (parts[0], value)
  }

  /// What can be chosen.
  static var names: [String] { (Array(counts.keys) + shares.keys).sorted() }

  /// Has the engine compute with these numbers, and tells with which it does.
  static func putInForce(_ choices: [TuningChoice]) {
    guard !choices.isEmpty else { return }
    var tuning = Tuning()
    for choice in choices {
      if let path = counts[choice.name] { tuning[keyPath: path] = Int(choice.value) }
      if let path = shares[choice.name] { tuning[keyPath: path] = choice.value }
    }
    Tuning.choose(tuning)
    Report.note("with " + choices.map(\.inForce).joined(separator: ", "))
  }

  private var inForce: String {
    let value = Self.counts[name].map { "\(Tuning.standard[keyPath: $0])" }
    return "\(name)=" + (value ?? Self.shares[name].map { "\(Tuning.standard[keyPath: $0])" } ?? "none")
  }

  private static let counts: [String: any WritableKeyPath<Tuning, Int> & Sendable] = [
    "weightsReadPerNanosecond": \.weightsReadPerNanosecond, "productsPerNanosecond": \.productsPerNanosecond,
    "steadyProductsPerNanosecond": \.steadyProductsPerNanosecond, "ownCacheBytes": \.ownCacheBytes,
    "sharedCacheBytes": \.sharedCacheBytes, "dividedRows": \.dividedRows,
    "dividedWork": \.dividedWork, "gatheringNanoseconds": \.gatheringNanoseconds,
    "leastStepSaving": \.leastStepSaving, "sureStepSaving": \.sureStepSaving,
    "mostBarrierNanoseconds": \.mostBarrierNanoseconds, "lateNanoseconds": \.lateNanoseconds, "turnRows": \.turnRows,
    "exchangedStates": \.exchangedStates, "streamedProducts": \.streamedProducts, "aheadRows": \.aheadRows,
    "aheadFloats": \.aheadFloats, "productRows": \.productRows, "waveTimesteps": \.waveTimesteps,
    "waveParts": \.waveParts, "waveSteps": \.waveSteps, "waveStepNanoseconds": \.waveStepNanoseconds,
    "tableFloats": \.tableFloats, "bits.blockedRows": \.bits.blockedRows,
    "bits.blockedWeights": \.bits.blockedWeights, "bits.rowsOfBlockPair": \.bits.rowsOfBlockPair,
    "bits.mostBlocks": \.bits.mostBlocks, "bits.openBLASRows": \.bits.openBLASRows,
    "bits.openBLASBlock": \.bits.openBLASBlock, "bits.stretchFloats": \.bits.stretchFloats,
    "bits.stretchWeights": \.bits.stretchWeights, "bits.stretchRows": \.bits.stretchRows,
    "bits.tableSums": \.bits.tableSums,
  ]
  private static let shares: [String: any WritableKeyPath<Tuning, Double> & Sendable] = [
    "kernelEfficiency": \.kernelEfficiency, "hiddenShare": \.hiddenShare,
    "memoryBytesPerNanosecond": \.memoryBytesPerNanosecond,
  ]
}
