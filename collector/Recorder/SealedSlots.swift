public import STTRecord

/// A segment's seal without the rest of it.
public enum SealedSlots {
  /// What the file says of who may open it; `nil` for a plain one.
  public static func of(_ path: String) throws -> SealNote? {
    do {
      var reader = try SegmentReader(try FileSource(path), decompressor: NoDecompression(), opener: NoOpener())
      while case .metadata = try reader.next() {
        if let seal = reader.seal { return seal.note }
      }
    } catch is SegmentDamage {
      return nil
    }
    return nil
  }
}
