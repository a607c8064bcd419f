internal import Foundation
internal import RecurraTensor
internal import SwiftProtobuf

/// An attribute of an ONNX node.
enum ExportAttribute {
  case integer(Int)
  case integers([Int])
  case float(Double)
  case floats([Double])
  case text(String)
  case texts([String])
  case graph(ONNXGraphMessage)

  /// The attribute as a file has it.
  func message(_ name: String) -> ONNXAttributeMessage {
    var message = ONNXAttributeMessage()
    message.name = name
    switch self {
    case .integer(let value): (message.type, message.i) = (.int, Int64(value))
    case .integers(let values): (message.type, message.ints) = (.ints, values.map { Int64($0) })
    case .float(let value): (message.type, message.f) = (.float, Float(value))
    case .floats(let values): (message.type, message.floats) = (.floats, values.map { Float($0) })
    case .text(let text): (message.type, message.s) = (.string, Data(text.utf8))
    case .texts(let texts): (message.type, message.strings) = (.strings, texts.map { Data($0.utf8) })
    case .graph(let graph): (message.type, message.g) = (.graph, graph)
    }
    return message
  }
}
