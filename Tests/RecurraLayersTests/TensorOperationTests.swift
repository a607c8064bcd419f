import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

/// Operations on tensors as nodes of graphs.
@Suite struct TensorOperationTests {
  private let x = Tensor((0..<24).map { Float($0) / 4 - 2.5 }, shape: [2, 3, 4])

  private func operation(_ json: String) throws -> TensorOperation {
    let value = try JSONValue(parsing: Array(json.utf8))
    guard case .object(let members) = value else { throw RecurraError(.badData, operation: "", expected: "", got: "") }
    let values = Dictionary(uniqueKeysWithValues: members.map { ($0.name, $0.value) })
    return try TensorOperation(configuration: LayerArguments(typeName: "TensorOperation", values: values))
  }

  private func result(_ json: String, _ inputs: [Tensor]? = nil) throws -> Tensor {
    try operation(json).forward((inputs ?? [x]).map { Value($0) }, ForwardContext())[0].tensor
  }

  private func call(_ name: String, _ arguments: String, settings: String = "{}") -> String {
    "{\"operation\": \"\(name)\", \"arguments\": [\(arguments)], \"settings\": \(settings)}"
  }

  private let tensor = "{\"tensor\": 0}"

  @Test func elementwiseFunctionsBroadcastAsNumPy() throws {
    let row = Tensor([1, 2, 3, 4] as [Float])
    let both = "{\"tensor\": 0}, {\"tensor\": 1}"
    expectIdentical(try result(call("Add", both), [x, row]), x + row)
    expectIdentical(try result(call("Subtract", "1, \(tensor)")), 1 - x)
    expectIdentical(try result(call("TrueDivide", both), [x, row]), x / row)
    expectIdentical(try result(call("Maximum", "\(tensor), 0.5")), Tensor.maximum(x, Tensor(0.5)))
    expectIdentical(try result(call("Tanh", tensor)), x.tanh())
    expectIdentical(try result(call("Where", "\(tensor), 1.0, 2.0"), [x]).sum(), Tensor(23 * 1 + 2))
    let atLeast = try result(call("GreaterEqual", "\(tensor), 0"))
    #expect(atLeast.dtype == .int32 && atLeast.sum().item == 14)
  }

  @Test func reductionsTakeAxesAway() throws {
    expectIdentical(
      try result(call("Mean", tensor, settings: "{\"axis\": 1, \"keepdims\": true}")),
      x.mean(axes: [1], keepingDimensions: true))
    expectIdentical(try result(call("Sum", tensor, settings: "{\"axis\": [0, -1]}")), x.sum(axes: [0, 2]))
    expectIdentical(try result(call("Max", tensor, settings: "{\"axis\": null}")), x.max())
  }

  @Test func partsAndShapes() throws {
    let slice = "{\"class_name\": \"__slice__\", \"config\": {\"start\": 1, \"stop\": null, \"step\": 2}}"
    let all = "{\"class_name\": \"__slice__\", \"config\": {\"start\": null, \"stop\": null, \"step\": null}}"
    expectIdentical(
      try result(call("GetItem", "\(tensor), [\(all), -1, \(slice)]")),
      x.sliced(2..<3, axis: 1).squeezed(1).sliced(1..<4, axis: 1, step: 2))
    #expect(try result(call("GetItem", "\(tensor), [\(all), null]")).shape == [2, 1, 3, 4])
    expectIdentical(
      try result(call("Reshape", tensor, settings: "{\"newshape\": [-1, 2, 6]}")), x.reshaped([2, 2, 6]))
    expectIdentical(
      try result(call("Transpose", tensor, settings: "{\"axes\": [0, 2, 1]}")), x.permuted([0, 2, 1]))
    expectIdentical(
      try result(call("Concatenate", "[\(tensor), \(tensor)]", settings: "{\"axis\": -1}")),
      .concatenated([x, x], axis: 2))
    #expect(
      try operation(call("Reshape", tensor, settings: "{\"newshape\": [-1, 12]}")).outputShapes(for: [[nil, 3, 4]])
        == [[nil, 12]])
  }

  @Test(arguments: [
    ("Add", "{\"tensor\": 0}, {\"tensor\": 1}", "{}"), ("Reshape", "{\"tensor\": 0}", "{\"newshape\": [5, 5]}"),
    ("Transpose", "{\"tensor\": 0}", "{\"axes\": [0, 0, 1]}"), ("Mean", "{\"tensor\": 0}", "{\"axis\": 3}"),
    ("GetItem", "{\"tensor\": 0}, [0, 3]", "{}"), ("Squeeze", "{\"tensor\": 0}", "{\"axis\": 1}"),
    ("Concatenate", "[{\"tensor\": 0}, {\"tensor\": 1}]", "{\"axis\": 0}"), ("ExpandDims", "{\"tensor\": 0}", "{}"),
    ("Matmul", "{\"tensor\": 0}, {\"tensor\": 1}", "{}"), ("Exp", "", "{}"), ("Exp", "\"x\"", "{}"),
    ("Clip", "{\"tensor\": 0}, 2, 1", "{}"),
  ])
  func whatDoesNotGoTogetherIsRefused(name: String, arguments: String, settings: String) throws {
    let error = #expect(throws: RecurraError.self) {
      _ = try result(call(name, arguments, settings: settings), [x, Tensor.zeros([3, 5])])
    }
    #expect(error?.kind == .badData || error?.kind == .badArgument)
  }

  @Test func anUnknownOperationIsRefusedByName() throws {
    let error = #expect(throws: RecurraError.self) { _ = try operation(call("Lambda", tensor)) }
    #expect(error?.kind == .badArgument && error?.got == "\"Lambda\"")
  }
}
