internal import STTBuffers
import STTSample

// Lines and length prefixes: messages are found in the intake.
extension StreamedFileSource {
  func nextLine<Outlet: SourceOutlet & ~Copyable>(_ now: SampleTime, _ outlet: inout Outlet) -> Progress {
    while true {
      listen(now, hasBytes: end > begin)
      switch lineCutter.next(in: UnsafeRawBufferPointer(rebasing: intake[begin..<end])) {
      case .line(let byteCount, let consumed, let isCut):
        return take(line: byteCount, consumed, isCut, now, &outlet) ? .message : .noRoom
      case .skip(let count): begin += count
      case .more:
        switch fillIntake(&outlet) {
        case .bytes: continue
        case .blocked: return .blocked
        case .failed(let error): return .failed(error)
        case .end:
          switch lineCutter.end(UnsafeRawBufferPointer(rebasing: intake[begin..<end])) {
          case .line(let byteCount, let consumed, let isCut):
            return take(line: byteCount, consumed, isCut, now, &outlet) ? .message : .noRoom
          case .skip(let count): begin += count
          case .more: break
          }
          return .ended
        }
      }
    }
  }

  private func take<Outlet: SourceOutlet & ~Copyable>(
    line byteCount: Int, _ consumed: Int, _ isCut: Bool, _ now: SampleTime, _ outlet: inout Outlet
  ) -> Bool {
    let line = UnsafeRawBufferPointer(rebasing: intake[begin..<begin + byteCount])
    if case .nmea = framing, !NMEASentence.isSound(line) {
      // An empty line is what some receivers end a burst with.
      if byteCount > 0 { unsoundLines += 1 }
      begin += consumed
    } else if !encoder.look(at: framing.content(of: line)) {
      begin += consumed
    } else if !deliver(begin..<begin + byteCount, consuming: consumed, now, &outlet) {
      return false
    }
    lineCutter.take(byteCount: byteCount, consumed: consumed, isCut: isCut)
    if isCut { cutLines += 1 }
    return true
  }

  func nextPrefixed<Outlet: SourceOutlet & ~Copyable>(
    _ prefix: LengthPrefix, _ most: Int, _ now: SampleTime, _ outlet: inout Outlet
  ) -> Progress {
    while true {
      if isDiscarding {
        begin = end
      } else if body != nil {
        return nextBody(now, &outlet)
      } else if let length = prefix.length(UnsafeRawBufferPointer(rebasing: intake[begin..<end])) {
        guard length <= most else {
          outlet.report(
            .gap(
              count: 1, reason: "a length of \(length) bytes makes no sense, \(most) are the most: what follows is lost"
            ))
          // Where the next message begins in a file, nobody knows.
          if input.isRegular { return endOfFile() }
          isDiscarding = true
          continue
        }
        let whole = prefix.byteCount + length
        if end - begin >= whole {
          return deliver(begin + prefix.byteCount..<begin + whole, consuming: whole, now, &outlet) ? .message : .noRoom
        }
        if length > Self.smallMessage {
          guard flush(&outlet), let lease = outlet.lease(atLeast: length) else { return .noRoom }
          startBody(lease, length, after: prefix.byteCount)
          continue
        }
      }
      switch fillIntake(&outlet) {
      case .bytes: continue
      case .failed(let error): return .failed(error)
      case .blocked:
        isDiscarding = false
        return .blocked
      case .end:
        if end > begin {
          outlet.report(.gap(count: 1, reason: "\(input.path) ended within a message"))
          begin = end
        }
        return .ended
      }
    }
  }

  /// A record of a known length; what does not begin as one is passed over.
  func nextRecord<Outlet: SourceOutlet & ~Copyable>(
    _ byteCount: Int, _ start: [UInt8], _ now: SampleTime, _ outlet: inout Outlet
  ) -> Progress {
    while true {
      while end > begin, !beginsAs(start) {
        begin += 1
        strayBytes += 1
      }
      if end - begin >= byteCount {
        return deliver(begin..<begin + byteCount, consuming: byteCount, now, &outlet) ? .message : .noRoom
      }
      switch fillIntake(&outlet) {
      case .bytes: continue
      case .blocked: return .blocked
      case .failed(let error): return .failed(error)
      case .end:
        strayBytes += UInt64(end - begin)
        return endOfFile()
      }
    }
  }

  /// Whether the bytes that are there may be a record's first.
  private func beginsAs(_ start: [UInt8]) -> Bool {
    for index in 0..<min(start.count, end - begin) where intake[begin + index] != start[index] { return false }
    return true
  }

  private func endOfFile() -> Progress {
    begin = end
    return .ended
  }

  /// Moves what is there of a large message into a buffer of its own; the rest is read into it.
  private func startBody(_ lease: consuming Lease, _ length: Int, after prefixByteCount: Int) {
    bodyOffset = offset
    bodyByteCount = length
    begin += prefixByteCount
    lease.count = copyIntake(to: lease.unsafeBase, atMost: length)
    body = consume lease
  }

  private func nextBody<Outlet: SourceOutlet & ~Copyable>(_ now: SampleTime, _ outlet: inout Outlet) -> Progress {
    while let have = body?.count, let base = body?.unsafeBase, have < bodyByteCount {
      switch input.read(into: base + have, count: bodyByteCount - have) {
      case .bytes(let count):
        body?.count += count
        works(&outlet)
      case .blocked: return .blocked
      case .failed(let error): return .failed(error)
      case .end:
        outlet.report(.gap(count: 1, reason: "\(input.path) ended within a message"))
        body = nil
        return .ended
      }
    }
    return emitBody(head: nil, now, &outlet) ? .message : .noRoom
  }

  /// Takes bytes out of the intake; how many.
  func copyIntake(to memory: UnsafeMutableRawPointer, atMost most: Int) -> Int {
    let count = min(most, end - begin)
    if count > 0, let base = intake.baseAddress { memory.copyMemory(from: base + begin, byteCount: count) }
    begin += count
    return count
  }
}
