import Foundation
import RecurraFormats

/// Where the bytes go: readers take files, and look at what lies beside them.
private let path = "/dev/shm/recurra-fuzz-\(getpid())"

/// Reads bytes as a model's file of whatever format they look like; a trap or a hang is what libFuzzer reports.
@_cdecl("LLVMFuzzerTestOneInput")
public func test(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  FileManager.default.createFile(atPath: path, contents: Data(bytes: start, count: count))
  if let description = try? ModelFormats.read(path) {
    // What a graph computes may still go beyond what its file says.
    if let graph = description.arrayGraph, graph.inputNames.isEmpty { _ = try? graph.run([:]) }
  }
  return 0
}
