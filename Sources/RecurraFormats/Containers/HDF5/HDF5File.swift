package import RecurraLayers
package import RecurraTensor

/// Reads HDF5 files as Keras and h5py write them: what there is as a tree at once, the numbers of a dataset when they
/// are asked for.
///
/// The subset is that of `libver="earliest"`, h5py's default: superblocks 0 and 1, groups with symbol tables, object
/// headers of version 1, attributes beside their object; whole and floating numbers, truth values and texts; data in
/// one piece, in the header, or in chunks, these plain, shuffled or deflated. Nothing outside of the file is read:
/// soft and external links, external storage and virtual datasets are refused by that name where they are asked for.
///
/// - Source: HDF5 File Format Specification 3.0.
package enum HDF5File {
  /// What every file begins with.
  package static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]

  /// Reads the tree of a file.
  ///
  /// - Throws: `badFile` naming the structure that is damaged or not supported.
  package static func read(_ file: InputFile) throws(RecurraError) -> HDF5Group {
    var reader = HDF5Reader(file)
    return try reader.root()
  }
}
