import Foundation
import RecurraLayers
import RecurraTensor
import RecurraTraining
import Testing

/// Every layer and every kind of cell: saved, loaded, and asked by the tool.
@Suite struct EveryLayerTests {
  let tool: Tool

  init() throws { tool = try Tool() }

  @Test func whatASavedModelAnswersIsWhatTheModelAnswersByTheToolToo() throws {
    for each in try EveryLayer.all() {
      let inputs = each.inputs
      let wanted = try each.model.predict(inputs)[0]
      let numbers = wanted.scalars(as: Float.self)
      #expect(Set(numbers).count > 2 && numbers.allSatisfy { $0.isFinite }, "\(each.name): \(numbers)")
      try each.model.save(to: tool.path("model.safetensors"))
      let loaded = try ModelFile(InputFile(tool.path("model.safetensors"))).model
      #expect(try loaded.predict(inputs)[0].scalars(as: Float.self) == numbers, "\(each.name)")
      #expect(loaded.json == each.model.json, "\(each.name)")
      var arguments = ["predict", "model.safetensors", "--output", "p.npy"]
      for (name, input) in zip(each.model.inputNames, inputs) {
        try input.writeNumPy(to: tool.path("\(name).npy"))
        arguments += ["--input", inputs.count > 1 ? "\(name)=\(name).npy" : "\(name).npy"]
      }
      try tool.expectSuccess(arguments)
      let found = try Tensor(contentsOfNumPy: tool.path("p.npy"))
      #expect(found.shape == wanted.shape && found.scalars(as: Float.self) == numbers, "\(each.name)")
      // A row that is asked about alone has the same answer.
      let row = try each.model.predict(inputs.map { $0.sliced(1..<2) })[0].scalars(as: Float.self)
      #expect(row == found.sliced(1..<2).scalars(as: Float.self), "\(each.name)")
    }
  }

  @Test func noLayerThatAFileCanNameIsLeftOut() throws {
    let tried = try EveryLayer.all().reduce(into: Set<String>()) { $0.formUnion($1.typeNames) }
    #expect(Registry.standard.layerNames.subtracting(tried).isEmpty)
  }
}
