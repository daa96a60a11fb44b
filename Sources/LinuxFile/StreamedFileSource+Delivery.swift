import Glibc
internal import STTBuffers
import STTSample

// Handing on, and going back.
extension StreamedFileSource {
  /// The file offset of the first byte in `intake`.
  var offset: UInt64 { input.position &- UInt64(end - begin) }

  /// Hands on a message that lies in `intake`. `false`: nothing happened, or, of a regular file, it
  /// will be read again.
  func deliver<Outlet: SourceOutlet & ~Copyable>(
    _ message: Range<Int>, consuming consumed: Int, _ now: SampleTime, _ outlet: inout Outlet
  ) -> Bool {
    let bytes = UnsafeRawBufferPointer(rebasing: intake[message])
    let largest = encoder.largestMessage(lineByteCount: bytes.count)
    if largest > Self.smallMessage {
      guard flush(&outlet), var lease = outlet.lease(atLeast: largest) else { return false }
      var writer = ProtobufWriter(unsafe: UnsafeMutableRawBufferPointer(start: lease.unsafeBase, count: lease.capacity))
      encoder.write(bytes, into: &writer)
      lease.count = writer.count
      bodyOffset = offset
      guard outlet.emit(.frame(time: now, head: nil, body: lease), comesAgain: input.isRegular) || !input.isRegular else {
        rewind(to: bodyOffset)
        return false
      }
    } else if !append(bytes, now) {
      guard flush(&outlet), let lease = outlet.lease(atLeast: Self.batchByteCount) else { return false }
      batch = SampleBatch(lease)
      batchOffset = offset
      _ = append(bytes, now)
    }
    begin += consumed
    return true
  }

  private func append(_ bytes: UnsafeRawBufferPointer, _ now: SampleTime) -> Bool {
    batch?.append(at: now) { encoder.write(bytes, into: &$0) } ?? false
  }

  /// Sends the batch. `false`: it was refused and is read again, which only a regular file can be.
  func flush<Outlet: SourceOutlet & ~Copyable>(_ outlet: inout Outlet) -> Bool {
    guard let batch = batch.take() else { return true }
    // What the outlet refuses of another input is lost, and counted there.
    if outlet.emit(.batch(batch.finish()), comesAgain: input.isRegular) || !input.isRegular { return true }
    rewind(to: batchOffset)
    return false
  }

  /// Sends `body`. `false` as in ``flush(_:)``.
  func emitBody<Outlet: SourceOutlet & ~Copyable>(
    head: consuming Lease?, _ now: SampleTime, _ outlet: inout Outlet
  ) -> Bool {
    guard let lease = body.take() else { return true }
    isBodyComplete = false
    scanned = 0
    if outlet.emit(.frame(time: now, head: head, body: lease), comesAgain: input.isRegular) || !input.isRegular {
      return true
    }
    rewind(to: bodyOffset)
    return false
  }

  /// Goes back to a place in a regular file where a message begins.
  func rewind(to offset: UInt64) {
    forget()
    input.position = offset
  }

  /// Drops everything that was read and not handed on.
  func forget() {
    begin = 0
    end = 0
    body = nil
    isBodyComplete = false
    scanned = 0
    isDiscarding = false
    lineCutter.reset()
    scanner.reset()
  }

  /// Reads what fits behind the bytes in `intake`, after moving them to its front.
  func fillIntake<Outlet: SourceOutlet & ~Copyable>(_ outlet: inout Outlet) -> ByteInput.Outcome {
    guard let base = intake.baseAddress else { return .end }
    if begin > 0 {
      memmove(base, base + begin, end - begin)
      end -= begin
      begin = 0
    }
    let outcome = input.read(into: base + end, count: intake.count - end)
    if case .bytes(let count) = outcome {
      end += count
      works(&outlet)
    }
    return outcome
  }
}
