internal import Foundation
internal import RecurraLayers
internal import RecurraTensor
internal import SwiftProtobuf

/// Says a model of built-in layers in ONNX' operators.
struct ONNXExporter {
  /// The versions of operators that are written.
  static let opsets = 17...17

  var graph: ONNXGraphBuilder
  /// The layer that is being said, for errors.
  var place = ""
  /// The file, for errors.
  let operation: String

  /// The bytes of the file.
  ///
  /// - Throws: `badArgument` naming a layer that ONNX cannot say.
  static func bytes(
    of model: any Network, opset: Int, operation: String
  ) throws(RecurraError) -> [UInt8] {
    guard opsets.contains(opset) else {
      throw RecurraError(
        .badArgument, operation: operation, expected: "opset \(opsets.lowerBound)", got: "\(opset)")
    }
    guard model.isBuilt, let shapes = model.inputShapes, let dtype = model.dtype else {
      throw RecurraError(.badArgument, operation: operation, expected: "a built model", got: "one that is not")
    }
    var exporter = ONNXExporter(graph: ONNXGraphBuilder(dtype: dtype), operation: operation)
    return try exporter.write(model, shapes, dtype, opset)
  }

  private mutating func write(
    _ model: any Network, _ shapes: [[Int?]], _ dtype: DType, _ opset: Int
  ) throws(RecurraError) -> [UInt8] {
    var message = ONNXGraphMessage()
    message.name = model.name
    var inputs: [ExportValue] = []
    for ((name, ids), shape) in zip(zip(model.inputNames, model.inputIDCounts), shapes) {
      inputs.append(ExportValue(name: name, shape: shape))
      let type = ids == nil ? ONNXGraphBuilder.type(dtype) : ONNXGraphBuilder.type(.int32)
      let extents = shape.enumerated().map { axis, extent -> ExportExtent in
        extent.map { .known($0) } ?? .named(axis == 0 ? "batch" : "\(name)_\(axis)")
      }
      message.input.append(ONNXGraphBuilder.value(name, type, extents))
    }
    let outputs = try self.outputs(of: model, inputs)
    var taken = Set(model.inputNames)
    for (index, output) in outputs.enumerated() {
      var name = index < model.outputNames.count ? model.outputNames[index] : "output_\(index)"
      while !taken.insert(name).inserted { name += "_output" }
      _ = graph.node("Identity", [output.name], output: name)
      let extents = output.shape.enumerated().map { axis, extent -> ExportExtent in
        extent.map { .known($0) } ?? .named(axis == 0 ? "batch" : "\(name)_\(axis)")
      }
      message.output.append(ONNXGraphBuilder.value(name, ONNXGraphBuilder.type(dtype), extents))
    }
    message.node = graph.nodes
    message.initializer = graph.constants
    var file = ONNXModelMessage()
    file.irVersion = 8
    file.producerName = "recurra"
    var operators = ONNXOperatorSetMessage()
    operators.domain = ""
    operators.version = Int64(opset)
    file.opsetImport = [operators]
    file.graph = message
    do {
      return Array(try file.serializedData())
    } catch {
      throw RecurraError(
        .badArgument, operation: operation, expected: "a model of at most 2 GiB, ONNX' limit", got: "a larger one")
    }
  }

  /// Says the calls of a model's graph.
  mutating func outputs(of model: any Network, _ inputs: [ExportValue]) throws(RecurraError) -> [ExportValue] {
    let plan = model.graph.plan
    var values = inputs.map { [$0] }
    let outside = place
    defer { place = outside }
    for call in plan.calls {
      let name = plan.layerNames[call.layer]
      place = outside.isEmpty ? name : "\(outside)/\(name)"
      let layer = plan.layers[call.layer].layer
      let own = call.inputs.map { values[$0.node][$0.output] }
      values.append(try outputs(of: layer, own, in: model))
    }
    return plan.outputs.map { values[$0.node][$0.output] }
  }

  /// Says one layer.
  mutating func outputs(
    of layer: any Layer, _ inputs: [ExportValue], in model: any Network
  ) throws(RecurraError) -> [ExportValue] {
    if let inner = layer.network { return try outputs(of: inner, inputs) }
    if layer.recurrentParts != nil { return try recurrent(layer, inputs) }
    guard var first = inputs.first else { throw failure("an input", "none") }
    let shapes = try layer.outputShapes(for: inputs.map(\.shape))
    let settings = ExportSettings(layer)
    if inputs.count > 1 || layer is any MergingLayer {
      guard let merged = try merging(layer, inputs, settings) else { throw unknown(layer) }
      first.name = merged
      first.mask = try commonMask(layer, inputs)
    } else if let same = try preserving(layer, first, settings) {
      first.name = same
    } else if let tied = layer as? TiedDense {
      first.name = try self.tied(tied, first, model)
    } else if let other = try reshaping(layer, first, settings, shapes[0]) {
      first = other
    } else {
      throw unknown(layer)
    }
    first.shape = shapes[0]
    return [first]
  }

  private func unknown(_ layer: any Layer) -> RecurraError {
    failure("a layer that ONNX' operators can say", type(of: layer).typeName)
  }

  /// An error about the layer that is being said.
  func failure(_ expected: String, _ got: String) -> RecurraError {
    RecurraError(
      .badArgument, operation: place.isEmpty ? operation : "\(operation), \(place.excerpt)", expected: expected,
      got: got)
  }
}
