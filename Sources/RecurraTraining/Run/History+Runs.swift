extension History {
  /// The epochs from one on: those of a run.
  func since(_ first: Int) -> History { epochs { $0 >= first } }

  /// The epochs before one.
  func before(_ end: Int) -> History { epochs { $0 < end } }

  /// The numbers of the last epoch; nil before the first.
  var lastLogs: Logs? {
    guard !epoch.isEmpty else { return nil }
    var logs = Logs()
    for name in names where history[name]?.count == epoch.count { logs[name] = history[name]?.last }
    return logs
  }

  private func epochs(_ isWanted: (Int) -> Bool) -> History {
    var result = History(params)
    result.stop = stop
    let positions = epoch.indices.filter { isWanted(epoch[$0]) }
    // A number that came later than the first epoch stands at the end of the list.
    result.restore(
      positions.map { epoch[$0] },
      history.compactMapValues { values in
        let missing = epoch.count - values.count
        let kept = positions.filter { $0 >= missing }.map { values[$0 - missing] }
        return kept.isEmpty ? nil : kept
      })
    return result
  }
}
