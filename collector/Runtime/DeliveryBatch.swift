import STTBuffers
import STTWire

/// Small messages packed into one lease on their way to the recorder.
///
/// Each is `token u32 | length u32 | number u64 | monotonic u64 | wall u64 | received u64 | payload`,
/// padded to eight bytes: five words to copy beside a payload of a few.
struct DeliveryBatch: ~Copyable {
  static let headByteCount = 40

  private var lease: Lease

  init(_ lease: consuming Lease) {
    self.lease = lease
    self.lease.count = 0
  }

  var isEmpty: Bool { lease.count == 0 }

  func fits(_ byteCount: Int) -> Bool { lease.capacity - lease.count >= Self.headByteCount + byteCount + 7 }

  mutating func append(_ head: DeliveryHead, _ payload: RawSpan) {
    precondition(fits(payload.byteCount), "ask fits first")
    let record = lease.unsafeBase + lease.count
    record.storeBytes(of: UInt32(truncatingIfNeeded: head.token), as: UInt32.self)
    record.storeBytes(of: UInt32(truncatingIfNeeded: payload.byteCount), toByteOffset: 4, as: UInt32.self)
    record.storeBytes(of: head.number, toByteOffset: 8, as: UInt64.self)
    record.storeBytes(of: head.time.monotonicNanoseconds, toByteOffset: 16, as: UInt64.self)
    record.storeBytes(of: head.time.wallNanoseconds, toByteOffset: 24, as: UInt64.self)
    record.storeBytes(of: head.received, toByteOffset: 32, as: UInt64.self)
    payload.withUnsafeBytes { source in
      if let start = source.baseAddress {
        (record + Self.headByteCount).copyMemory(from: start, byteCount: source.count)
      }
    }
    lease.count += Self.headByteCount + (payload.byteCount + 7) & ~7
  }

  consuming func finish() -> Lease { lease }

  /// Calls `body` with the messages of a finished batch from byte `cursor` on, until it answers
  /// `false`; `cursor` is then at the message that was refused.
  static func forEach(
    _ batch: borrowing Lease, from cursor: inout Int, _ body: (DeliveryHead, RawSpan) -> Bool
  ) {
    let bytes = batch.bytes
    while cursor + headByteCount <= bytes.byteCount {
      let start = cursor
      func word(_ offset: Int) -> UInt64 {
        bytes.unsafeLoadUnaligned(fromByteOffset: start + offset, as: UInt64.self)
      }
      let length = Int(bytes.unsafeLoadUnaligned(fromByteOffset: start + 4, as: UInt32.self))
      let head = DeliveryHead(
        token: Int(bytes.unsafeLoadUnaligned(fromByteOffset: start, as: UInt32.self)), number: word(8),
        time: MessageTime(monotonicNanoseconds: word(16), wallNanoseconds: word(24)), received: word(32))
      guard body(head, bytes.extracting(start + headByteCount..<start + headByteCount + length)) else { return }
      cursor = start + headByteCount + (length + 7) & ~7
    }
  }
}
