import Glibc
import STTSample

// Opening, waiting and ending.
extension StreamedFileSource {
  func open<Outlet: SourceOutlet & ~Copyable>(_ time: UInt64, _ outlet: inout Outlet) -> Bool {
    if let deadline, time < deadline { return false }
    if let reason = input.open() {
      if !isUnavailable { outlet.report(.unavailable(reason: reason)) }
      isUnavailable = true
      descriptor = nil
      deadline = backoff.next(after: time)
      return false
    }
    openedAt = time
    if case .serial = input.origin { silentSince = time }
    return true
  }

  /// Called before lines are looked for. Whoever opens a serial line in the midst of a line must not take its rest for
  /// a whole one: it is one only after silence.
  func listen(_ now: SampleTime, hasBytes: Bool) {
    guard let since = silentSince, hasBytes else { return }
    silentSince = nil
    if now.monotonicNanoseconds &- since < Self.silence { lineCutter.skipLine() }
  }

  /// Called when a read gave something, or that nothing is there: opening alone does not show that
  /// a device is well.
  func works<Outlet: SourceOutlet & ~Copyable>(_ outlet: inout Outlet) {
    if case .command = input.origin {} else { backoff.reset() }
    if isUnavailable { outlet.report(.available) }
    isUnavailable = false
  }

  func wait(until moment: UInt64?) {
    let isPaced = metronome != nil
    descriptor = input.isPollable && moment == nil && !isPaced ? input.descriptor : nil
    deadline = moment
  }

  /// Ends a call: sends what was gathered and says when to come back.
  func settle<Outlet: SourceOutlet & ~Copyable>(
    retryAt: UInt64?, _ now: SampleTime, _ outlet: inout Outlet
  ) {
    if cutLines > 0 {
      outlet.report(.gap(count: cutLines, reason: "lines longer than \(lineCutter.maximumByteCount) bytes were cut"))
      cutLines = 0
    }
    if unsoundLines > 0 {
      outlet.report(.gap(count: unsoundLines, reason: "sentences without a checksum, or with one that does not fit"))
      unsoundLines = 0
    }
    if strayBytes > 0 {
      outlet.report(.gap(count: 1, reason: "\(strayBytes) bytes belong to no record"))
      strayBytes = 0
    }
    let soon = now.monotonicNanoseconds &+ Self.retry
    if !flush(&outlet) { return wait(until: soon) }
    if let retryAt { return wait(until: retryAt) }
    if let metronome {
      // Nothing there yet for the message that is due: the next moment will do.
      due = 0
      return wait(until: metronome.deadline)
    }
    wait(until: input.isPollable ? nil : soon)
  }

  func finish<Outlet: SourceOutlet & ~Copyable>(_ now: SampleTime, _ outlet: inout Outlet) {
    guard flush(&outlet) else { return wait(until: now.monotonicNanoseconds &+ Self.retry) }
    settle(retryAt: nil, now, &outlet)
    if input.isRegular {
      if loops { return loseEmpty(now, &outlet) }
      isFinished = true
      input.close()
      descriptor = nil
      deadline = nil
      outlet.report(.finished)
    } else if input.isPipe {
      forget()
      if let reason = input.open() { return lose(reason, now, &outlet) }
      settle(retryAt: nil, now, &outlet)
    } else if case .command(let command) = input.origin {
      endCommand(command, now, &outlet)
    } else if case .socket(let path) = input.origin {
      lose("\(path) was closed at its other end; it is opened again when somebody listens there", now, &outlet)
    } else {
      // A terminal that hung up reads as ended.
      lose("read", ENODEV, now, &outlet)
    }
  }

  private func endCommand<Outlet: SourceOutlet & ~Copyable>(
    _ command: Command, _ now: SampleTime, _ outlet: inout Outlet
  ) {
    // One that closes its output and runs on is of no more use.
    let end = input.commandEnd
    let isFailure = end?.isFailure ?? false
    let ending = end?.text ?? "closed its output"
    if command.restart == .never || command.restart == .onFailure && !isFailure {
      forget()
      isFinished = true
      input.close()
      descriptor = nil
      deadline = nil
      if isFailure { outlet.report(.unavailable(reason: "\(command.name) \(ending)")) }
      outlet.report(.finished)
      return
    }
    if now.monotonicNanoseconds &- openedAt >= Self.steadyRun { backoff.reset() }
    lose("\(command.name) \(ending); it is started again", now, &outlet)
  }

  private func loseEmpty<Outlet: SourceOutlet & ~Copyable>(_ now: SampleTime, _ outlet: inout Outlet) {
    if !isUnavailable { outlet.report(.unavailable(reason: "\(input.path) holds no message")) }
    retreat(now)
  }

  func lose<Outlet: SourceOutlet & ~Copyable>(
    _ doing: String, _ error: CInt, _ now: SampleTime, _ outlet: inout Outlet
  ) {
    lose(fileTrouble(doing, input.path, errno: error), now, &outlet)
  }

  func lose<Outlet: SourceOutlet & ~Copyable>(_ reason: String, _ now: SampleTime, _ outlet: inout Outlet) {
    _ = flush(&outlet)
    if !isUnavailable { outlet.report(.unavailable(reason: reason)) }
    retreat(now)
  }

  /// Closes the input and opens it again later. Holding a vanished device open would make the
  /// kernel give it another name when it comes back.
  private func retreat(_ now: SampleTime) {
    let position = body == nil ? offset : bodyOffset
    forget()
    // An unreadable spot of a regular file is tried again, a looped file begins again.
    input.position = input.isRegular && !loops ? position : 0
    input.close()
    isUnavailable = true
    descriptor = nil
    deadline = backoff.next(after: now.monotonicNanoseconds)
  }
}
