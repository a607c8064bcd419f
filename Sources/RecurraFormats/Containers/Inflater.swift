internal import CRecurraZip
internal import RecurraLayers
internal import RecurraTensor

/// Inflates a member of a zip archive through libzip.
///
/// libzip reads an archive that is made here around the compressed bytes, so nothing of a stranger's directory comes
/// to it: all that it reads of the file is the compressed stream.
struct Inflater {
  /// The member in its file, for errors.
  let operation: String
  /// The compressed bytes.
  let compressed: [UInt8]
  /// The number of bytes that the directory declares for the member.
  let byteCount: Int
  let checksum: UInt32

  /// Inflates up to `limit` bytes from the start; all of them are checked against their checksum.
  ///
  /// - Throws: `badFile` for a stream that is damaged or has another size than was declared.
  func bytes(atMost limit: Int) throws(RecurraError) -> [UInt8] {
    var writer = ZipWriter()
    var archive = writer.header(
      "member", byteCount: byteCount, compressedByteCount: compressed.count, checksum: checksum, isDeflated: true)
    archive += compressed
    archive += writer.directory()
    var result: [UInt8] = []
    var failure: RecurraError?
    unsafe archive.withUnsafeBytes { buffer in
      do throws(RecurraError) { unsafe result = try read(buffer, limit) } catch { failure = error }
    }
    if let failure { throw failure }
    return result
  }

  private func read(_ archive: UnsafeRawBufferPointer, _ limit: Int) throws(RecurraError) -> [UInt8] {
    guard
      let source = unsafe zip_source_buffer_create(archive.baseAddress, UInt64(archive.count), 0, nil)
    else { throw damaged("memory for it is missing") }
    guard let zip = unsafe zip_open_from_source(source, ZIP_RDONLY, nil) else {
      unsafe zip_source_free(source)
      throw damaged("libzip cannot open it")
    }
    defer { unsafe zip_discard(zip) }
    guard let member = unsafe zip_fopen_index(zip, 0, 0) else { throw damaged("libzip cannot open it") }
    defer { unsafe _ = zip_fclose(member) }
    let wanted = min(limit, byteCount)
    var result: [UInt8] = []
    // A stream that ends early has taken no memory for what was declared but is not there.
    var piece = [UInt8](repeating: 0, count: min(1 << 18, max(wanted, 1)))
    while result.count < wanted {
      let count = unsafe Self.read(member, into: &piece, atMost: wanted - result.count)
      guard count > 0 else { throw damaged(count < 0 ? "a damaged stream" : "\(result.count) bytes") }
      result += piece[..<Int(count)]
    }
    guard wanted == byteCount else { return result }
    // The stream's own end is what tells whether there is more than was declared.
    let rest = unsafe Self.read(member, into: &piece, atMost: 1)
    guard rest == 0, Checksum.of(result) == checksum else {
      throw damaged(rest > 0 ? "more" : "bytes of another checksum, or a damaged end")
    }
    return result
  }

  private static func read(_ member: OpaquePointer, into piece: inout [UInt8], atMost limit: Int) -> Int64 {
    unsafe piece.withUnsafeMutableBytes { buffer in
      guard let start = buffer.baseAddress else { return -1 }
      return unsafe zip_fread(member, start, UInt64(min(buffer.count, limit)))
    }
  }

  private func damaged(_ got: String) -> RecurraError {
    RecurraError(.badFile, operation: operation, expected: "a deflated stream of \(byteCount) bytes", got: got)
  }
}
