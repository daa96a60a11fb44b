extension SegmentReader {
  /// Goes on after `damage` at the next chunk of a plain file that looks like one; `false` when there is none.
  public mutating func resume(after damage: SegmentDamage) throws -> Bool {
    guard seal == nil else { return false }
    isResumed = true
    var window = [UInt8](repeating: 0, count: 64 << 10)
    var start = damage.offset + 1
    while start < source.byteCount {
      let got = try window.withUnsafeMutableBytes { try source.read(at: start, into: $0) }
      guard got >= Self.chunkHeadByteCount else { return false }
      for place in 0...(got - Self.chunkHeadByteCount) where window[place] == MCAP.Opcode.chunk {
        if isChunkHead(window[place..<(place + Self.chunkHeadByteCount)], at: start + UInt64(place)) {
          offset = start + UInt64(place)
          return true
        }
      }
      start += UInt64(got - Self.chunkHeadByteCount + 1)
    }
    return false
  }

  /// Takes channels and schemas from the summary at the file's end, for chunks whose own were in a damaged one.
  public mutating func adopt(_ outline: SegmentOutline) {
    guard seal == nil else { return }
    for channel in outline.channels where channels[channel.id] == nil { channels[channel.id] = channel }
    for schema in outline.schemas where schemas[schema.id] == nil { schemas[schema.id] = schema }
  }

  /// Up to the length of what is stored, with the longest name of a compression there is.
  private static var chunkHeadByteCount: Int { MCAP.recordHeadByteCount + 28 + 4 + 4 + 8 }

  private func isChunkHead(_ bytes: ArraySlice<UInt8>, at offset: UInt64) -> Bool {
    let head = Array(bytes)
    var cursor = RecordCursor(head.span.bytes)
    guard cursor.skip(1), let length = cursor.u64(), cursor.skip(28), let compression = cursor.text(),
      ["", "zstd", "lz4"].contains(compression), let stored = cursor.u64()
    else { return false }
    let left = source.byteCount - offset - UInt64(MCAP.recordHeadByteCount)
    return length <= min(left, Self.largestChunk) && stored <= length
      && length - stored == UInt64(28 + 4 + compression.utf8.count + 8)
  }
}
