import STTBuffers

/// A message whose parts are still coming, or that waits for an earlier one.
struct PartialMessage: ~Copyable {
  /// Gaps one message may have; a sender in good faith never has nearly as many.
  static let mostRanges = 1024

  let number: UInt64
  let total: UInt32
  var lease: Lease
  /// Bytes present from the start on.
  private var contiguous: UInt32 = 0
  /// Bytes present beyond, ascending and apart.
  private var ranges: [Range<UInt32>] = []

  init(number: UInt64, total: UInt32, lease: consuming Lease) {
    self.number = number
    self.total = total
    self.lease = lease
    self.lease.count = Int(total)
  }

  var isComplete: Bool { contiguous == total }

  /// Places bytes that are known to fit. `false`: the message would have too many gaps.
  mutating func place(_ bytes: RawSpan, at offset: UInt32) -> Bool {
    let end = offset + UInt32(bytes.byteCount)
    if offset > contiguous && ranges.count >= Self.mostRanges { return false }
    bytes.withUnsafeBytes { source in
      if let start = source.baseAddress {
        (lease.unsafeBase + Int(offset)).copyMemory(from: start, byteCount: source.count)
      }
    }
    if offset <= contiguous {
      contiguous = max(contiguous, end)
      absorb()
    } else {
      insert(offset..<end)
    }
    return true
  }

  private mutating func absorb() {
    while let first = ranges.first, first.lowerBound <= contiguous {
      contiguous = max(contiguous, first.upperBound)
      ranges.removeFirst()
    }
  }

  private mutating func insert(_ range: Range<UInt32>) {
    var index = ranges.count
    while index > 0, ranges[index - 1].lowerBound > range.lowerBound { index -= 1 }
    var merged = range
    if index > 0, ranges[index - 1].upperBound >= range.lowerBound {
      index -= 1
      merged = ranges[index].lowerBound..<max(ranges[index].upperBound, range.upperBound)
      ranges.remove(at: index)
    }
    while index < ranges.count, ranges[index].lowerBound <= merged.upperBound {
      merged = merged.lowerBound..<max(merged.upperBound, ranges[index].upperBound)
      ranges.remove(at: index)
    }
    ranges.insert(merged, at: index)
  }
}
