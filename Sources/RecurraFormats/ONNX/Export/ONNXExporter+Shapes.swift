internal import RecurraTensor

/// Axes and extents, in operators.
extension ONNXExporter {
  mutating func transpose(_ x: String, _ axes: [Int]) -> String {
    graph.node("Transpose", [x], [("perm", .integers(axes))])
  }
  mutating func squeeze(_ x: String, _ axes: [Int]) -> String { graph.node("Squeeze", [x, graph.list(axes)]) }
  mutating func unsqueeze(_ x: String, _ axes: [Int]) -> String { graph.node("Unsqueeze", [x, graph.list(axes)]) }
  mutating func reshape(_ x: String, _ shape: [Int]) -> String { graph.node("Reshape", [x, graph.list(shape)]) }
  mutating func concatenate(_ list: [String], axis: Int) -> String {
    list.count == 1 ? list[0] : graph.node("Concat", list, [("axis", .integer(axis))])
  }
  /// A part of an axis; the end may lie behind it.
  mutating func slice(_ x: String, _ start: Int, _ end: Int, axis: Int) -> String {
    graph.node("Slice", [x, graph.list([start]), graph.list([end]), graph.list([axis])])
  }
  /// The extents of some axes, as whole numbers.
  mutating func extents(_ x: String, _ axes: Range<Int>) -> String {
    graph.node("Shape", [x], [("start", .integer(axes.lowerBound)), ("end", .integer(axes.upperBound))])
  }
  /// Zeros with as many rows as a batch.
  mutating func zeros(rowsOf x: String, axis: Int = 0, _ shape: [Int], before: [Int] = []) -> String {
    let rows = extents(x, axis..<(axis + 1))
    let parts = (before.isEmpty ? [] : [graph.list(before)]) + [rows, graph.list(shape)]
    return graph.node("Expand", [graph.scalar(0), concatenate(parts, axis: 0)])
  }
  mutating func mean(_ x: String, _ axes: [Int]) -> String {
    graph.node("ReduceMean", [x], [("axes", .integers(axes)), ("keepdims", .integer(1))])
  }
  mutating func sum(_ x: String, _ axes: [Int], keeps: Bool = true) -> String {
    graph.node("ReduceSum", [x, graph.list(axes)], [("keepdims", .integer(keeps ? 1 : 0))])
  }
  /// Truth values as numbers.
  mutating func numbers(_ mask: String) -> String {
    graph.node("Cast", [mask], [("to", .integer(Int(ONNXGraphBuilder.type(graph.dtype))))])
  }
  /// A mask [B, T] at numbers [B, T, …].
  mutating func spread(_ mask: String, rank: Int) -> String { unsqueeze(mask, Array(2..<max(rank, 3))) }
  /// (x − mean) / √(variance + ε) over some axes.
  mutating func normalized(_ x: String, _ axes: [Int], _ epsilon: Double) -> String {
    let centered = graph.node("Sub", [x, mean(x, axes)])
    let variance = mean(graph.node("Mul", [centered, centered]), axes)
    return graph.node("Div", [centered, graph.node("Sqrt", [add(variance, epsilon)])])
  }
}
