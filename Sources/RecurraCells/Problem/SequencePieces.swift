import RecurraTensor

/// The pieces of a batch's rows: the timesteps that count, cut where the state begins anew.
///
/// Each piece is run as a row of its own that lies somewhere in the batch: nothing is moved, so a row with holes costs
/// what its valid timesteps cost.
package final class SequencePieces: Sendable {
  /// The extents of the batch.
  let rows, timesteps: Int
  /// The number of timesteps of each piece.
  let lengths: [Int]
  /// The row of each piece.
  let owners: [Int]
  /// The first piece of each row, and the end of the last row's. A row without timesteps has one empty piece.
  let firsts: [Int]
  /// The timesteps of all pieces, one behind the other, counted over all rows.
  let places: [Int32]
  /// Where each piece's timesteps begin in `places`.
  let starts: [Int]
  /// Tells whether pieces but the first of a row begin where the layer does by itself.
  let beginsByItself: Bool

  /// Cuts rows.
  ///
  /// - Parameters:
  ///   - flags: a truth for each timestep of each row; true counts.
  ///   - marks: the timesteps of each row before which the state begins anew, in order; nil for none. A mark at a
  ///     timestep that does not count holds for the next that does.
  ///   - beginsByItself: whether pieces behind a mark begin where the layer does by itself, and not where the row does.
  package init(rows: Int, timesteps: Int, flags: [Bool], marks: [[Int]]?, beginsByItself: Bool = false) {
    (self.rows, self.timesteps, self.beginsByItself) = (rows, timesteps, beginsByItself)
    var (lengths, owners, firsts, starts, places) = ([Int](), [Int](), [Int](), [Int](), [Int32]())
    places.reserveCapacity(rows * timesteps)
    for row in 0..<rows {
      firsts.append(lengths.count)
      var (marks, start) = ((marks?[row] ?? [])[...], places.count)
      func end() {
        lengths.append(places.count - start)
        owners.append(row)
        starts.append(start)
      }
      for timestep in 0..<timesteps where flags[row * timesteps + timestep] {
        if let mark = marks.first, mark <= timestep {
          marks = marks.drop { $0 <= timestep }
          // In front of a row's first timestep the state is what the row begins with anyway.
          if places.count > start || beginsByItself {
            end()
            start = places.count
          }
        }
        places.append(Int32(row * timesteps + timestep))
      }
      end()
    }
    (self.lengths, self.owners, self.starts, self.places) = (lengths, owners, starts, places)
    self.firsts = firsts + [lengths.count]
  }

  /// The number of pieces.
  var count: Int { lengths.count }

  /// Tells whether each row is one piece.
  var areRows: Bool { count == rows }

  /// The first piece that a direction runs of a row.
  func first(_ row: Int, isReversed: Bool) -> Int { isReversed ? firsts[row + 1] - 1 : firsts[row] }

  /// The last piece that a direction runs of a row; not the empty one in front of a mark at the row's first timestep.
  private func last(_ row: Int, isReversed: Bool) -> Int {
    let piece = first(row, isReversed: !isReversed)
    return isReversed && lengths[piece] == 0 && piece + 1 < firsts[row + 1] ? piece + 1 : piece
  }

  /// The direction for the pieces: each begins where its row does, or where the layer does by itself.
  /// States behind those that the layer has of its own are the row's in any case.
  func starting(_ direction: RecurrentDirection) -> RecurrentDirection {
    let own = direction.ownStates
    guard !areRows, !direction.initialStates.isEmpty else { return direction }
    let order = Tensor(owners.map { Int32($0) })
    let apart =
      beginsByItself
      ? Tensor(
        owners.enumerated().map { piece, row in
          Int32(piece == first(row, isReversed: direction.isReversed) ? row : row + rows)
        }) : order
    return direction.starting(
      at: direction.initialStates.enumerated().map { index, states in
        guard beginsByItself, index < own.count else { return states.gathered(order) }
        return Tensor.concatenated([states, own[index]]).gathered(apart)
      })
  }

  /// What rows end with, of what pieces end with: that of the piece that a direction runs last.
  ///
  /// - Shapes: `ends` [P, width]; result [B, width].
  func rows(_ ends: Tensor, isReversed: Bool) -> Tensor {
    areRows ? ends : ends.gathered(Tensor((0..<rows).map { Int32(last($0, isReversed: isReversed)) }))
  }

  /// A truth for each timestep of the batch: whether it counts.
  var flags: [Bool] {
    var flags = [Bool](repeating: false, count: rows * timesteps)
    for place in places { flags[Int(place)] = true }
    return flags
  }

  /// A truth for each timestep of the batch: whether a direction begins anew in front of it.
  func beginnings(isReversed: Bool) -> [Bool] {
    var flags = [Bool](repeating: false, count: rows * timesteps)
    for (piece, row) in owners.enumerated() where lengths[piece] > 0 && piece != first(row, isReversed: isReversed) {
      flags[Int(places[starts[piece] + (isReversed ? lengths[piece] - 1 : 0)])] = true
    }
    return flags
  }

  /// For each timestep of the batch the one whose output a masked one repeats, itself where it counts; -1 for none.
  func repeated(isReversed: Bool) -> [Int] {
    var sources = [Int](repeating: -1, count: rows * timesteps)
    for place in places { sources[Int(place)] = Int(place) }
    for row in 0..<rows {
      var former = -1
      for index in 0..<timesteps {
        let place = row * timesteps + (isReversed ? timesteps - 1 - index : index)
        if sources[place] >= 0 { former = place } else { sources[place] = former }
      }
    }
    return sources
  }
}
