import Glibc
internal import STTBuffers
import STTSample

// Pieces and pictures: read where they stay.
extension StreamedFileSource {
  func nextChunk<Outlet: SourceOutlet & ~Copyable>(
    _ chunk: Int, _ now: SampleTime, _ outlet: inout Outlet
  ) -> Progress {
    if body == nil {
      body = outlet.lease(atLeast: chunk)
      bodyOffset = input.position
    }
    while true {
      guard let have = body?.count, let base = body?.unsafeBase else { return .noRoom }
      if have >= chunk { break }
      let outcome = input.read(into: base + have, count: chunk - have)
      if case .bytes(let count) = outcome {
        body?.count += count
        works(&outlet)
        continue
      }
      if have > 0, outcome.isPause { break }
      // An idle source keeps no buffer.
      if have == 0 { body = nil }
      return outcome.progress
    }
    return emitBody(head: nil, now, &outlet) ? .message : .noRoom
  }

  func nextPicture<Outlet: SourceOutlet & ~Copyable>(
    _ most: Int, _ frameID: String?, _ now: SampleTime, _ outlet: inout Outlet
  ) -> Progress {
    while !isBodyComplete {
      if body == nil {
        guard let lease = outlet.lease(atLeast: min(expectedPicture, most)) else { return .noRoom }
        bodyOffset = offset
        bodyTime = now
        body = consume lease
      }
      guard let have = body?.count, let capacity = body?.capacity, let base = body?.unsafeBase else { return .noRoom }
      let room = min(capacity, most)
      if scanned < have, scan(base, have, &outlet) { continue }
      if have >= room {
        if room < most {
          guard grow(from: have, to: min(most, room * 2), &outlet) else { return .noRoom }
        } else {
          outlet.report(.gap(count: 1, reason: "a picture is larger than \(most) bytes"))
          scanner.reset()
          drop(have)
        }
        continue
      }
      let copied = copyIntake(to: base + have, atMost: room - have)
      if copied > 0 {
        body?.count = have + copied
        continue
      }
      let outcome = input.read(into: base + have, count: min(room - have, Self.readByteCount))
      if case .bytes(let count) = outcome {
        body?.count = have + count
        works(&outlet)
        continue
      }
      if case .end = outcome {
        if scanner.isWholeAtEnd, have > 0 {
          scanner.reset()
          isBodyComplete = true
          break
        }
        if scanner.isInPicture { outlet.report(.gap(count: 1, reason: "\(input.path) ended within a picture")) }
        forget()
      }
      if have == 0 { body = nil }
      return outcome.progress
    }
    return emitPicture(frameID, now, &outlet)
  }

  /// Looks at the bytes that came last; `false` when it takes more of them to go on.
  private func scan<Outlet: SourceOutlet & ~Copyable>(
    _ base: UnsafeMutableRawPointer, _ have: Int, _ outlet: inout Outlet
  ) -> Bool {
    switch scanner.scan(UnsafeRawBufferPointer(start: base + scanned, count: have - scanned)) {
    case .garbage(let count):
      drop(count)
      return count > 0
    case .partial: scanned = have
    case .broken(let count):
      outlet.report(.gap(count: 1, reason: "a picture in \(input.path) has markers that make no sense"))
      drop(scanned + count)
    case .picture(let count):
      putBack(base + scanned + count, count: have - scanned - count)
      body?.count = scanned + count
      expectedPicture = max(Self.readByteCount, (scanned + count) / 4 * 5)
      isBodyComplete = true
    }
    return true
  }

  /// Removes the first bytes of `body`; the others are looked at anew.
  private func drop(_ count: Int) {
    guard let have = body?.count, let base = body?.unsafeBase else { return }
    memmove(base, base + count, have - count)
    body?.count = have - count
    bodyOffset += UInt64(count)
    scanned = 0
  }

  /// Returns the beginning of the next picture to the intake. It came from there, or from one read
  /// while the intake was empty, and so it fits.
  private func putBack(_ bytes: UnsafeMutableRawPointer, count: Int) {
    guard count > 0, let base = intake.baseAddress else { return }
    if begin >= count {
      begin -= count
    } else {
      memmove(base + count, base + begin, end - begin)
      end = end - begin + count
      begin = 0
    }
    memmove(base + begin, bytes, count)
  }

  private func grow<Outlet: SourceOutlet & ~Copyable>(
    from have: Int, to capacity: Int, _ outlet: inout Outlet
  ) -> Bool {
    guard let base = body?.unsafeBase, var larger = outlet.lease(atLeast: capacity) else { return false }
    larger.unsafeBase.copyMemory(from: base, byteCount: have)
    larger.count = have
    body = consume larger
    return true
  }

  private func emitPicture<Outlet: SourceOutlet & ~Copyable>(
    _ frameID: String?, _ now: SampleTime, _ outlet: inout Outlet
  ) -> Progress {
    let time = bodyTime
    guard let frameID, let byteCount = body?.count else {
      return emitBody(head: nil, time, &outlet) ? .message : .noRoom
    }
    guard var head = outlet.lease(atLeast: ImageHead.largest(frameID: frameID, format: "jpeg")) else { return .noRoom }
    let fits =
      if case .h264 = framing {
        ImageHead.video(into: &head, time: time, frameID: frameID, format: "h264", byteCount: byteCount)
      } else {
        ImageHead.compressed(into: &head, time: time, frameID: frameID, format: "jpeg", byteCount: byteCount)
      }
    guard fits else { return .noRoom }
    return emitBody(head: head, time, &outlet) ? .message : .noRoom
  }
}

extension ByteInput.Outcome {
  /// Nothing comes for now.
  var isPause: Bool {
    switch self {
    case .blocked, .end: true
    case .bytes, .failed: false
    }
  }

  var progress: StreamedFileSource.Progress {
    switch self {
    case .bytes: .message
    case .blocked: .blocked
    case .end: .ended
    case .failed(let error): .failed(error)
    }
  }
}
