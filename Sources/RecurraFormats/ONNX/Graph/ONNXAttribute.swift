/// What a node is told besides its inputs.
enum ONNXAttribute: Sendable {
  case number(Double)
  case integer(Int)
  case text(String)
  case tensor(ONNXValue)
  case graph(GraphProgram)
  case numbers([Double])
  case integers([Int])
  case texts([String])
}
