extension History {
  /// The epochs from one on: those of a run.
  func since(_ first: Int) -> History { epochs { $0 >= first } }

  /// The epochs before one.
  func before(_ end: Int) -> History { epochs { $0 < end } }

  /// The numbers of the last epoch; nil before the first.
  var lastLogs: Logs? {
    guard !epoch.isEmpty else { return nil }
    var logs = Logs()
    for name in names { logs[name] = columns[name]?.last ?? nil }
    return logs
  }

  private func epochs(_ isWanted: (Int) -> Bool) -> History {
    var result = History(params)
    result.stop = stop
    let positions = epoch.indices.filter { isWanted(epoch[$0]) }
    result.restore(
      positions.map { epoch[$0] },
      columns.compactMapValues { values in
        let kept = positions.map { values[$0] }
        return kept.contains { $0 != nil } ? kept : nil
      })
    return result
  }
}
