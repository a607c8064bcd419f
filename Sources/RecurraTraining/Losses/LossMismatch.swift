package import RecurraTensor

extension Loss {
  /// Says what is wrong when a model's outputs cannot be what the loss takes; nil when they can, or nothing is known.
  ///
  /// - Parameters:
  ///   - activation: the last function that the outputs go through; nil when it is not known.
  ///   - width: the number of outputs to a row, where it is known.
  package func mismatch(lastActivation activation: Activation?, width: Int? = nil) -> String? {
    let (fromLogits, ending, isOfClasses): (Bool, Activation, Bool)
    switch kind {
    case .sparseCategorical(let logits, _), .categorical(let logits, _):
      (fromLogits, ending, isOfClasses) = (logits, .softmax, true)
    case .ctc: (fromLogits, ending, isOfClasses) = (true, .softmax, true)
    case .binary(let logits, _): (fromLogits, ending, isOfClasses) = (logits, .sigmoid, false)
    default: return nil
    }
    if isOfClasses, width == 1 {
      return "\(name) tells classes apart, and the model has one output: it is always right with itself; "
        + "use binary_crossentropy, or one output for each class"
    }
    guard let activation else { return nil }
    let givesProbabilities = [.softmax, .sigmoid, .hardSigmoid].contains(activation)
    if fromLogits, givesProbabilities {
      return "\(name) from logits takes the numbers before a \(ending.rawValue), and the model ends in "
        + "\(activation.rawValue); end it without one, or take the loss from probabilities"
    }
    if !fromLogits, !givesProbabilities {
      return
        "\(name) takes probabilities, and the model ends in \(activation.rawValue), whose values are none; end it in "
        + "\(ending.rawValue), or take the loss from logits"
    }
    return nil
  }
}
