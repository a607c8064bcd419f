import RecurraLayers
import RecurraTensor

/// Makes two rows of six numbers out of each timestep, so that predictions have four axes.
final class Fold: Layer {
  static let typeName = "Fold"
  init() {}
  convenience init(configuration: LayerArguments) throws(RecurraError) { self.init() }
  var configuration: [String: JSONValue] { [:] }
  func outputShape(for inputShape: [Int?]) throws(RecurraError) -> [Int?] { inputShape.dropLast() + [2, 3] }
  func forward(_ input: Signal, _ context: ForwardContext) throws(RecurraError) -> Signal {
    input.with(value: input.value.reshaped(input.value.shape.dropLast() + [2, 3]))
  }
}
