import Foundation
import RecurraFormats
import RecurraLayers
import RecurraTensor
import TestSupport
import Testing

@Suite struct SafeTensorsFormatTests {
  @Test func tensorsKeepTheirTypesFromFileToFile() throws {
    let path = FileManager.default.temporaryDirectory.path + "/recurra-\(UUID().uuidString).safetensors"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let source = Fixture.path("files/other.safetensors")
    let description = try ModelFormats.read(source)
    #expect(Set(description.tensors.map { $0.value.elementType }).count > 5)
    try ModelFormats.write(description, to: path)
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(contentsOf: URL(fileURLWithPath: source)))
  }

  @Test func amodelOfRecurrasIsReadWhole() throws {
    let description = try ModelFormats.read(Fixture.path("files/version1.safetensors"))
    let model = try #require(description.model)
    let input = try Tensor(contentsOfNumPy: Fixture.path("files/version1_predictions.npy"))
    #expect(model.namedParameters.count == description.tensors.count)
    #expect(input.rank == 2)
  }

  @Test func damageIsAnError() throws {
    let input = try InputFile(Fixture.path("files/other.safetensors"))
    let bytes = try input.bytes(0..<input.byteCount)
    let refused = try Corruption.check(bytes) { file in
      _ = try SafeTensorsFormat().read(FileContents(file, path: "damaged"), ReadingOptions())
    }
    #expect(refused.cuts == bytes.count)
  }
}
