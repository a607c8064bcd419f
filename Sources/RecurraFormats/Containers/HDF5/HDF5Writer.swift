internal import RecurraLayers
package import RecurraTensor

/// Writes HDF5 files that h5py, Keras and the HDF5 library read: superblock 0, groups with symbol tables, data in one
/// piece, texts of any length. The same tree gives the same bytes.
///
/// - Source: HDF5 File Format Specification 3.0.
package struct HDF5Writer {
  /// Half of the most names in a symbol table node, and of the most children of a tree's node; the library's defaults.
  private static let leafRank = 4
  private static let nodeRank = 16

  private var file = HDF5Bytes()
  private var texts = HDF5TextHeap()

  /// The bytes of a file with a tree in it.
  ///
  /// - Throws: `badArgument` for what the format cannot hold: a name with a slash, attributes beyond 64 KB, and what a
  ///   dataset throws that is still to be read.
  package static func bytes(of root: HDF5Group) throws(RecurraError) -> [UInt8] {
    var writer = HDF5Writer()
    return try writer.write(root)
  }

  private mutating func write(_ root: HDF5Group) throws(RecurraError) -> [UInt8] {
    file.add(HDF5File.signature)
    file.add([0, 0, 0, 0, 0, 8, 8, 0])
    file.add(Self.leafRank, 2)
    file.add(Self.nodeRank, 2)
    file.add(0, 4)
    file.add(address: 0)
    file.add(address: nil)
    let end = file.end
    file.add(address: 0)
    file.add(address: nil)
    file.add(0, 8)
    let top = file.end
    file.add([UInt8](repeating: 0, count: 32))
    file.put(address: try group(root), at: top)
    texts.write(to: &file)
    file.align()
    file.put(address: file.end, at: end)
    return file.bytes
  }

  /// Writes what a group holds, then the group, and returns its address.
  private mutating func group(_ group: HDF5Group) throws(RecurraError) -> Int {
    var entries: [(name: String, address: Int)] = []
    for (name, member) in group.members {
      guard !name.isEmpty, name != ".", !name.utf8.contains(0x2F), !name.utf8.contains(0) else {
        throw Self.failure("a name without slash and NUL", got: name.excerpt)
      }
      switch member {
      case .group(let inner): entries.append((name, try self.group(inner)))
      case .dataset(let inner): entries.append((name, try dataset(inner, name)))
      case .refused(let reason): throw Self.failure("groups and datasets", got: reason)
      }
    }
    let (offsets, heap) = localHeap(entries.map(\.name))
    let tree = tree(of: entries.map(\.address), offsets)
    var table = HDF5Bytes()
    table.add(address: tree)
    table.add(address: heap)
    return try header([(0x11, table.bytes)], group.attributes)
  }

  /// Writes names, each with a zero behind it, and returns where each of them is and the heap's address.
  private mutating func localHeap(_ names: [String]) -> (offsets: [Int], address: Int) {
    var data = HDF5Bytes()
    // The empty name, which is less than any other.
    data.add(0, 8)
    var offsets: [Int] = []
    for name in names {
      offsets.append(data.end)
      data.add(name)
      data.add(0, 1)
      data.align()
    }
    file.align()
    let address = file.end
    file.add("HEAP")
    file.add(0, 4)
    file.add(data.end, 8)
    // 1 stands for nothing free.
    file.add(1, 8)
    file.add(address: address + 32)
    file.add(data.bytes)
    return (offsets, address)
  }

  /// Writes the symbol table nodes and, level by level, the tree that leads to them, and returns the root's address.
  ///
  /// - Parameter offsets: where the names are, which are in the order of their bytes.
  private mutating func tree(of addresses: [Int], _ offsets: [Int]) -> Int {
    var children: [(address: Int, last: Int)] = []
    for start in stride(from: 0, to: addresses.count, by: 2 * Self.leafRank) {
      let range = start..<min(start + 2 * Self.leafRank, addresses.count)
      children.append((file.end, offsets[range.upperBound - 1]))
      file.add("SNOD")
      file.add(1, 2)
      file.add(range.count, 2)
      for index in range {
        file.add(offsets[index], 8)
        file.add(address: addresses[index])
        file.add([UInt8](repeating: 0, count: 24))
      }
      file.add([UInt8](repeating: 0, count: 40 * (2 * Self.leafRank - range.count)))
    }
    var level = 0
    while true {
      children = nodes(over: children, level)
      if children.count == 1 { return children[0].address }
      level += 1
    }
  }

  /// Writes a level of a tree: nodes beside each other that know their neighbours.
  private mutating func nodes(over children: [(address: Int, last: Int)], _ level: Int) -> [(address: Int, last: Int)] {
    let most = 2 * Self.nodeRank
    let (byteCount, start) = (24 + 8 * most + 8 * (most + 1), file.end)
    let count = max(1, (children.count + most - 1) / most)
    var nodes: [(address: Int, last: Int)] = []
    for node in 0..<count {
      let own = children[min(node * most, children.count)..<min((node + 1) * most, children.count)]
      file.add("TREE")
      file.add(0, 1)
      file.add(level, 1)
      file.add(own.count, 2)
      file.add(address: node == 0 ? nil : start + (node - 1) * byteCount)
      file.add(address: node == count - 1 ? nil : start + (node + 1) * byteCount)
      // A key is the last name of the child before it.
      file.add(nodes.last?.last ?? 0, 8)
      for child in own {
        file.add(address: child.address)
        file.add(child.last, 8)
      }
      file.add([UInt8](repeating: 0, count: start + (node + 1) * byteCount - file.end))
      nodes.append((start + node * byteCount, own.last?.last ?? 0))
    }
    return nodes
  }

  private mutating func dataset(_ dataset: HDF5Dataset, _ name: String) throws(RecurraError) -> Int {
    let tensor = try dataset.tensor(named: name)
    file.align()
    let address = tensor.bytes.isEmpty ? nil : file.end
    file.add(tensor.bytes)
    // Nothing is put in before data are written, and the fill value is zero: as h5py says it.
    var layout = HDF5Bytes()
    layout.add([3, 1])
    layout.add(address: address)
    layout.add(tensor.bytes.count, 8)
    return try header(
      [
        (0x01, HDF5Encoding.dataspace(tensor.shape)), (0x03, HDF5Encoding.datatype(tensor.format)),
        (0x05, [2, 2, 2, 1, 0, 0, 0, 0]), (0x08, layout.bytes),
      ], dataset.attributes)
  }

  /// Writes an object header, and returns its address.
  private mutating func header(
    _ messages: [(type: Int, content: [UInt8])], _ attributes: NamedValues<HDF5Value>
  ) throws(RecurraError) -> Int {
    let count = messages.count + attributes.count
    guard count <= 0xffff else { throw Self.failure("at most 65,535 attributes", got: "\(attributes.count)") }
    file.align()
    let address = file.end
    file.add(1, 2)
    file.add(count, 2)
    file.add(1, 4)
    let size = file.end
    file.add(0, 8)
    let start = file.end
    for (type, content) in messages { message(type, content) }
    for (name, value) in attributes {
      // Texts are told where the file will refer to them, so they are written in place.
      let (head, byteCount) = try HDF5Encoding.attribute(name, value)
      guard byteCount <= 65_528 else { throw Self.failure("attributes of up to 65,528 bytes", got: name.excerpt) }
      file.add(0x0C, 2)
      file.add(byteCount, 2)
      file.add(0, 4)
      file.add(head)
      switch value {
      case .text(let text): texts.add(text, to: &file)
      case .texts(let list): for text in list { texts.add(text, to: &file) }
      case .numbers(let tensor): file.add(tensor.bytes)
      case .refused: break
      }
      file.align()
    }
    // The size has four bytes, and four zeros stand behind it.
    file.put(address: file.end - start, at: size)
    return address
  }

  private mutating func message(_ type: Int, _ content: [UInt8]) {
    file.add(type, 2)
    file.add((content.count + 7) / 8 * 8, 2)
    file.add(0, 4)
    file.add(content)
    file.align()
  }

  static func failure(_ expected: String, got: String) -> RecurraError {
    RecurraError(.badArgument, operation: "write HDF5", expected: expected, got: got)
  }
}
