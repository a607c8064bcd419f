import Foundation
import RecurraLayers
import Testing

/// What `recur-bench` says, and when.
@Suite struct BenchmarkTests {
  let tool: Tool

  init() throws { tool = try Tool() }

  @Test func saysWhatItTimesBesideTheFigures() throws {
    let result = try tool.shell(
      "recur-bench --cell gru --batch 3 --timesteps 1 --inputs 5 --units 7 --threads 1 --repetitions 1 --least 0.001"
        + " --json"
    )
    #expect(result.code == 0)
    #expect(
      result.error == "recur-bench: timing gru inference, 3 sequences of 1 timestep, 5→7, 1 thread\n")
    let lines = result.output.split(separator: "\n")
    #expect(lines.count == 1, "\(result.output)")
    guard case .object(let members) = try JSONValue(parsing: Array(result.output.utf8)) else {
      Issue.record("expected an object, got \(result.output)")
      return
    }
    #expect(
      members.map(\.0) == [
        "cell", "bidirectional", "batch", "timesteps", "inputs", "units", "job", "threads", "multiplier",
        "median_seconds", "min_seconds", "gflops", "sequences_per_second", "isa", "blas",
      ])
  }

  @Test func holesInMasksAreTimedAgainstLengths() throws {
    let result = try tool.shell("recur-bench --masks --threads 1 --repetitions 1 --least 0.001 --json")
    let lines = try result.output.split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
    #expect(result.code == 0 && lines.map { $0["masks"] } == [.string("inference"), .string("training")])
    for line in lines {
      guard case .number(let ratio)? = line["holes_over_lengths"] else {
        Issue.record("expected a ratio, got \(result.output)")
        return
      }
      #expect(ratio > 0.3 && ratio < 5)
    }
  }

  /// A pipe would keep some 4,000 bytes back, and so say nothing for minutes.
  @Test func figuresComeOneByOneThroughAPipe() throws {
    let result = try tool.shell("recur-bench --repetitions 1 --least 0.001 --json | head -n 1")
    #expect(result.output.hasPrefix(#"{"start_up_seconds": "#), "\(result.output)")
    // The next figure finds the reader gone, and ends the run.
    #expect(result.error.split(separator: "\n").filter { $0.contains("timing") }.count <= 10, "\(result.error)")
  }

  @Test(arguments: [
    "--batch \(Int.max)", "--units 1000000", "--timesteps \(Int.max) --batch \(Int.max)", "--least inf", "--least nan",
    "--threads 100000", "--repetitions 0",
  ]) func whatNoMachineCanDoIsRefused(_ options: String) throws {
    let result = try tool.shell("recur-bench --cell lstm \(options)")
    #expect(result.code == 64, "\(options): \(result.error)")
    #expect(result.output.isEmpty)
  }
}
