internal import RecurraLayers
internal import RecurraTensor

/// Follows the addresses in an HDF5 file from its superblock to every group and dataset.
///
/// Every structure is read once, and all of them together may not take more bytes than a few times the file: a file
/// that leads round in circles ends there.
struct HDF5Reader {
  /// A message of an object header.
  struct Message {
    let type: Int
    var content: HDF5Cursor
  }

  static let maximumDepth = 64
  /// A symbol table; what groups of the newer kind say of their links; a link.
  private static let groupMessages: Set<Int> = [0x11, 0x02, 0x06]

  let file: InputFile
  /// The bytes of structures that may still be read.
  private var budget: Int
  private var groups: Set<Int> = []
  private var datasets: [Int: HDF5Member] = [:]
  private var texts: [Int: [Int: ArraySlice<UInt8>]] = [:]

  init(_ file: InputFile) {
    self.file = file
    let (bytes, overflow) = file.byteCount.multipliedReportingOverflow(by: 4)
    budget = overflow ? .max : bytes + 4_096
  }

  /// Reads a structure that lies somewhere in the file.
  mutating func structure(_ name: String, at address: Int, _ count: Int) throws(RecurraError) -> HDF5Cursor {
    let place = "\(name) at \(address)"
    guard count >= 0, address >= 0, address <= file.byteCount, count <= file.byteCount - address else {
      throw file.damaged(expected: "\(place) of \(count) bytes", got: "\(file.byteCount) bytes in all")
    }
    guard count <= budget else {
      throw file.damaged(expected: "structures that lie apart", got: "more of them than bytes in the file")
    }
    budget -= count
    return HDF5Cursor(try file.bytes(address..<(address + count))[...], of: place, in: file)
  }

  /// Reads the superblock, and all that it leads to.
  mutating func root() throws(RecurraError) -> HDF5Group {
    var block = try structure("superblock", at: 0, min(100, file.byteCount))
    guard try block.take(8).elementsEqual(HDF5File.signature) else {
      throw block.damaged(expected: "the signature of HDF5", got: "other bytes")
    }
    let version = try block.byte()
    guard version <= 1 else {
      throw block.damaged(
        expected: "version 0 or 1, which h5py writes unless libver says otherwise", got: "\(version)")
    }
    try block.skip(4)
    let sizes = (try block.byte(), try block.byte())
    guard sizes == (8, 8) else {
      throw block.damaged(expected: "addresses and lengths of 8 bytes", got: "\(sizes.0) and \(sizes.1)")
    }
    try block.skip(version == 0 ? 9 : 13)
    let base = try block.definedAddress()
    guard base == 0 else { throw block.damaged(expected: "addresses from the start of the file", got: "from \(base)") }
    try block.skip(8)
    let end = try block.definedAddress()
    guard end <= file.byteCount else {
      throw block.damaged(expected: "a file of \(end) bytes", got: "\(file.byteCount)")
    }
    guard try block.address() == nil else { throw block.damaged(expected: "one file", got: "a family of files") }
    try block.skip(8)
    switch try object(at: try block.definedAddress(), path: "", depth: 0) {
    case .group(let group): return group
    case .dataset: throw block.damaged(expected: "a group as root", got: "a dataset")
    case .refused(let reason): throw block.damaged(expected: "a group as root", got: reason)
    }
  }

  /// Reads a group with all that is in it, or what a dataset says of itself.
  mutating func object(at address: Int, path: String, depth: Int) throws(RecurraError) -> HDF5Member {
    if let known = datasets[address] { return known }
    guard let messages = try messages(at: address) else {
      return .refused("an object header of version 2, which h5py writes with libver or track_order")
    }
    if messages.contains(where: { Self.groupMessages.contains($0.type) }) {
      guard groups.insert(address).inserted else {
        throw file.damaged(expected: "groups that lie in one place each", got: "\(path.excerpt) again")
      }
      guard depth < Self.maximumDepth else {
        throw file.damaged(expected: "at most \(Self.maximumDepth) groups inside each other", got: "more")
      }
      var group = HDF5Group(operation: file.operation, path: path)
      group.attributes = try attributes(messages)
      for message in messages {
        switch message.type {
        case 0x11: try addMembers(message.content, to: &group, depth)
        case 0x02: try Self.requireLinks(message.content)
        case 0x06: try addMember(message.content, to: &group, depth)
        default: break
        }
      }
      return .group(group)
    }
    let member = try dataset(messages, path)
    datasets[address] = member
    return member
  }

  /// The texts of a global heap by their numbers.
  mutating func text(at address: Int, _ index: Int) throws(RecurraError) -> ArraySlice<UInt8>? {
    if let known = texts[address] { return known[index] }
    var head = try structure("global heap", at: address, 16)
    try head.expect("GCOL")
    try head.expectVersion(1)
    try head.skip(3)
    let byteCount = try head.count()
    guard byteCount >= 16 else { throw head.damaged(expected: "at least 16 bytes", got: "\(byteCount)") }
    var heap = try structure("global heap", at: address, byteCount)
    try heap.skip(16)
    var found: [Int: ArraySlice<UInt8>] = [:]
    while heap.remaining >= 16 {
      let number = try heap.count(2)
      // The rest is free.
      if number == 0 { break }
      try heap.skip(6)
      found[number] = try heap.take(try heap.count())
      try heap.align()
    }
    texts[address] = found
    return found[index]
  }
}
