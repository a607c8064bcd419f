import RecurraLayers
import RecurraTensor
extension Loss {
  var configuration: JSONValue { .string(name) }
  init(configuration: JSONValue, registry: Registry) throws(RecurraError) { try self.init(named: configuration.plainText) }
}
extension Metric {
  var configuration: JSONValue { .string(name) }
  init(configuration: JSONValue, registry: Registry) throws(RecurraError) { try self.init(named: configuration.plainText) }
}
extension Tensor {
  func checkedValues(
    _ name: String, dtype: DType, lengths: [Int]?, allowsNonFinite: Bool, _ operation: String
  ) throws(RecurraError) -> Tensor {
    if !allowsNonFinite { try checkFinite(name, operation) }
    return detached.contiguous.converted(to: self.dtype.isFloating ? dtype : self.dtype)
  }
  func checkedSampleWeights(for shape: [Int], _ operation: String) throws(RecurraError) -> Tensor { self }
}
extension OptimizerState {
  func firstNonFiniteParameter() -> String? {
    all.first { !$0.parameter.value.sumOfSquares.isFinite }?.path
  }
}
