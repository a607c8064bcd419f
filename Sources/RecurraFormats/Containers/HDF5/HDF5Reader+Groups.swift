internal import RecurraLayers
internal import RecurraTensor

/// What lies in a group.
extension HDF5Reader {
  /// A name and where its object lies, or what stands there instead.
  private struct Entry {
    let name: String
    let address: Int
    let isSoftLink: Bool
  }

  /// Reads all members of a group with a symbol table.
  mutating func members(
    _ message: HDF5Cursor, of group: HDF5Group, _ depth: Int
  ) throws(RecurraError) -> NamedValues<HDF5Member> {
    var message = message
    let (tree, heap) = (try message.definedAddress(), try message.definedAddress())
    let names = try localHeap(at: heap)
    var members: NamedValues<HDF5Member> = [:]
    for node in try leaves(of: tree, in: "group \(group.path.excerpt)") {
      for entry in try entries(at: node, names) {
        guard members[entry.name] == nil else {
          throw group.damaged(entry.name, expected: "one object", got: "another of the same name")
        }
        members[entry.name] =
          entry.isSoftLink
          ? .refused("a soft link")
          : try object(at: entry.address, path: "\(group.path)/\(entry.name)", depth: depth + 1)
      }
    }
    return members
  }

  private mutating func localHeap(at address: Int) throws(RecurraError) -> ArraySlice<UInt8> {
    var head = try structure("local heap", at: address, 32)
    try head.expect("HEAP")
    try head.expectVersion(0)
    try head.skip(3)
    let byteCount = try head.count()
    try head.skip(8)
    var data = try structure("local heap", at: try head.definedAddress(), byteCount)
    return try data.take(byteCount)
  }

  /// The addresses of a group tree's lowest nodes, in order.
  private mutating func leaves(of address: Int, in place: String) throws(RecurraError) -> [Int] {
    var (found, pending, seen) = ([Int](), [(address: address, level: UInt8?.none)], Set<Int>())
    while let (address, level) = pending.popLast() {
      guard seen.insert(address).inserted else {
        throw file.damaged(expected: "a tree of \(place)", got: "a node at \(address) twice")
      }
      let node = try treeNode(at: address, type: 0, keyByteCount: 8, level)
      let children = node.children.map(\.address)
      if node.level == 0 {
        found += children
      } else {
        pending += children.reversed().map { ($0, node.level - 1) }
      }
    }
    guard Set(found).count == found.count else {
      throw file.damaged(expected: "a tree of \(place)", got: "symbols twice")
    }
    return found
  }

  /// Reads a node of a B-tree of version 1: a key and an address for each child.
  mutating func treeNode(
    at address: Int, type: UInt8, keyByteCount: Int, _ level: UInt8?
  ) throws(RecurraError) -> (level: UInt8, children: [(key: HDF5Cursor, address: Int)]) {
    var head = try structure("B-tree", at: address, 24)
    try head.expect("TREE")
    let (found, own, count) = (try head.byte(), try head.byte(), try head.count(2))
    guard found == type, level == nil || own == level else {
      throw head.damaged(expected: "a node of type \(type), level \(level ?? own)", got: "type \(found), level \(own)")
    }
    var node = try structure("B-tree", at: address, 24 + count * (8 + keyByteCount))
    try node.skip(24)
    var children: [(key: HDF5Cursor, address: Int)] = []
    for _ in 0..<count {
      let key = HDF5Cursor(try node.take(keyByteCount), of: node.place, in: file)
      children.append((key, try node.definedAddress()))
    }
    return (own, children)
  }

  private mutating func entries(at address: Int, _ names: ArraySlice<UInt8>) throws(RecurraError) -> [Entry] {
    var head = try structure("symbol table node", at: address, 8)
    try head.expect("SNOD")
    try head.expectVersion(1)
    try head.skip(1)
    let count = try head.count(2)
    var node = try structure("symbol table node", at: address, 8 + 40 * count)
    try node.skip(8)
    var entries: [Entry] = []
    for _ in 0..<count {
      let offset = try node.count()
      let target = try node.address()
      let cache = try node.count(4)
      try node.skip(20)
      guard offset < names.count else {
        throw node.damaged(expected: "a name within \(names.count) bytes", got: "offset \(offset)")
      }
      let bytes = names[(names.startIndex + offset)...].prefix(65_536).prefix { $0 != 0 }
      guard let name = String(validating: bytes, as: UTF8.self), !name.isEmpty, !name.utf8.contains(0x2F), name != "."
      else {
        throw node.damaged(
          expected: "a name in UTF-8 without a slash", got: String(decoding: bytes, as: UTF8.self).excerpt)
      }
      guard cache == 2 || target != nil else { throw node.damaged(expected: "an address", got: "none") }
      entries.append(Entry(name: name, address: target ?? 0, isSoftLink: cache == 2))
    }
    return entries
  }
}
