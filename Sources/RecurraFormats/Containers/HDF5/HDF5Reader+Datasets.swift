internal import RecurraLayers
internal import RecurraTensor

/// What is known of a dataset before its numbers are read.
extension HDF5Reader {
  /// Makes a dataset of the messages of its header.
  mutating func dataset(_ messages: [Message], _ path: String) throws(RecurraError) -> HDF5Member {
    func content(_ type: Int) -> HDF5Cursor? { messages.first { $0.type == type }?.content }
    guard var layout = content(0x08), var space = content(0x01) else {
      return .refused(content(0x03) != nil ? "a committed datatype" : "an object that is neither group nor dataset")
    }
    let attributes = try attributes(messages)
    func refused(_ reason: String, _ shape: [Int] = []) -> HDF5Member {
      .dataset(HDF5Dataset(refused: reason, shape: shape, attributes: attributes, operation: file.operation))
    }
    guard let shape = try HDF5Dataspace.shape(&space) else { return refused("no value") }
    guard var type = content(0x03) else { return refused("a committed datatype", shape) }
    if content(0x07) != nil { return refused("external storage", shape) }
    let datatype = try HDF5Datatype(&type)
    var filters: [HDF5Filter] = []
    if var pipeline = content(0x0B) {
      let (known, unknown) = try HDF5Filter.pipeline(&pipeline)
      if let unknown { return refused(unknown, shape) }
      filters = known
    }
    switch try place(&layout, rank: shape.count, filters) {
    case .refused(let reason): return refused(reason, shape)
    case .place(let place):
      let fill = try fill(content(0x05))
      let storage = HDF5Storage(file: file, type: datatype, shape: shape, place: place, fill: fill)
      return .dataset(HDF5Dataset(storage, attributes: attributes))
    }
  }

  private enum Layout {
    case place(HDF5Storage.Place)
    case refused(String)
  }

  private mutating func place(
    _ layout: inout HDF5Cursor, rank: Int, _ filters: [HDF5Filter]
  ) throws(RecurraError) -> Layout {
    let version = try layout.byte()
    guard version == 3 || version == 4 else { return .refused("a data layout of version \(version)") }
    let kind = try layout.byte()
    guard kind == 2 || filters.isEmpty else { return .refused("filters without chunks") }
    switch kind {
    case 0: return .place(.compact(try layout.take(try layout.count(2))))
    case 1: return .place(.contiguous(offset: try layout.address(), byteCount: try layout.count()))
    case 2 where version == 3: return .place(.chunked(try chunks(&layout, rank, filters)))
    case 2: return .refused("chunks of the newer kind, which h5py writes with libver")
    case 3: return .refused("a virtual dataset")
    default: return .refused("a data layout of class \(kind)")
    }
  }

  private mutating func chunks(
    _ layout: inout HDF5Cursor, _ rank: Int, _ filters: [HDF5Filter]
  ) throws(RecurraError) -> HDF5Chunks {
    let axes = Int(try layout.byte())
    let tree = try layout.address()
    guard axes == rank + 1, rank > 0 else {
      throw layout.damaged(expected: "chunks of \(rank) axes", got: "\(axes - 1)")
    }
    var shape: [Int] = []
    for _ in 0..<rank { shape.append(try layout.count(4)) }
    guard !shape.contains(0) else { throw layout.damaged(expected: "chunks of at least 1 element", got: "\(shape)") }
    var (chunks, pending, seen) = ([HDF5Chunks.Chunk](), [(address: Int, level: UInt8?)](), Set<Int>())
    if let tree { pending.append((tree, nil)) }
    while let (address, level) = pending.popLast() {
      guard seen.insert(address).inserted else { throw layout.damaged(expected: "a tree", got: "a node twice") }
      let node = try treeNode(at: address, type: 1, keyByteCount: 8 + 8 * axes, level)
      if node.level > 0 {
        pending += node.children.reversed().map { ($0.address, node.level - 1) }
        continue
      }
      for child in node.children {
        var key = child.key
        let (byteCount, skipped) = (try key.count(4), try key.bits(4))
        var start: [Int] = []
        for _ in 0..<rank { start.append(try key.count()) }
        guard child.address <= file.byteCount, byteCount <= file.byteCount - child.address else {
          throw layout.damaged(expected: "a chunk of \(byteCount) bytes at \(child.address)", got: "\(file.byteCount)")
        }
        chunks.append(
          HDF5Chunks.Chunk(
            range: child.address..<(child.address + byteCount), start: start, skippedFilters: skipped))
      }
    }
    return HDF5Chunks(shape: shape, chunks: chunks, filters: filters)
  }

  /// The element that stands where nothing was written; empty for zeros.
  private func fill(_ message: HDF5Cursor?) throws(RecurraError) -> [UInt8] {
    guard var message else { return [] }
    let version = try message.byte()
    switch version {
    case 1, 2:
      try message.skip(2)
      guard try message.byte() == 1 || version == 1 else { return [] }
    case 3:
      guard try message.byte() & 0x20 != 0 else { return [] }
    default: throw message.damaged(expected: "a fill value of version 1, 2 or 3", got: "\(version)")
    }
    return Array(try message.take(try message.count(4)))
  }
}
