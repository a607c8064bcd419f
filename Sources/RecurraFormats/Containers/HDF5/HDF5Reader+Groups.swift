internal import RecurraLayers
internal import RecurraTensor

/// What lies in a group.
extension HDF5Reader {
  /// A name and where its object lies, or what stands there instead.
  private struct Entry {
    enum Target {
      case object(Int)
      case elsewhere(String)
    }

    let name: String
    let target: Target
  }

  /// Reads all members of a group with a symbol table.
  mutating func addMembers(_ message: HDF5Cursor, to group: inout HDF5Group, _ depth: Int) throws(RecurraError) {
    var message = message
    let (tree, heap) = (try message.definedAddress(), try message.definedAddress())
    let names = try localHeap(at: heap)
    for node in try leaves(of: tree, in: "group \(group.path.excerpt)") {
      for entry in try entries(at: node, names) { try add(entry, to: &group, depth) }
    }
  }

  private mutating func add(_ entry: Entry, to group: inout HDF5Group, _ depth: Int) throws(RecurraError) {
    guard group.members[entry.name] == nil else {
      throw group.damaged(entry.name, expected: "one object", got: "another of the same name")
    }
    switch entry.target {
    case .object(let address):
      group.members[entry.name] = try object(at: address, path: "\(group.path)/\(entry.name)", depth: depth + 1)
    case .elsewhere(let reason): group.members[entry.name] = .refused(reason)
    }
  }

  /// Refuses links that lie apart from the group that they belong to.
  static func requireLinks(_ message: HDF5Cursor) throws(RecurraError) {
    var message = message
    try message.expectVersion(0)
    try message.skip(try message.byte() & 1 == 1 ? 8 : 0)
    guard try message.address() == nil else {
      throw message.damaged(expected: "links beside their group", got: "links in a heap of their own")
    }
  }

  /// Reads a link of a group of the newer kind.
  mutating func addMember(_ message: HDF5Cursor, to group: inout HDF5Group, _ depth: Int) throws(RecurraError) {
    var message = message
    try message.expectVersion(1)
    let flags = try message.byte()
    let kind = flags & 8 != 0 ? try message.byte() : 0
    try message.skip((flags & 4 != 0 ? 8 : 0) + (flags & 16 != 0 ? 1 : 0))
    let bytes = try message.take(try message.count(1 << Int(flags & 3)))
    let name = try Self.name(bytes, message)
    let target: Entry.Target
    switch kind {
    case 0: target = .object(try message.definedAddress())
    case 1: target = .elsewhere("a soft link")
    case 64: target = .elsewhere("an external link")
    default: target = .elsewhere("a link of type \(kind)")
    }
    try add(Entry(name: name, target: target), to: &group, depth)
  }

  /// A name that is whole and has no slash.
  private static func name(_ bytes: ArraySlice<UInt8>, _ place: HDF5Cursor) throws(RecurraError) -> String {
    if let name = String(validating: bytes, as: UTF8.self), !name.isEmpty, name != ".", !name.utf8.contains(0x2F),
      !name.utf8.contains(0)
    {
      return name
    }
    throw place.damaged(
      expected: "a name in UTF-8 without a slash", got: String(decoding: bytes, as: UTF8.self).excerpt)
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
      let name = try Self.name(bytes, node)
      if cache == 2 {
        entries.append(Entry(name: name, target: .elsewhere("a soft link")))
      } else if let target {
        entries.append(Entry(name: name, target: .object(target)))
      } else {
        throw node.damaged(expected: "an address", got: "none")
      }
    }
    return entries
  }
}
