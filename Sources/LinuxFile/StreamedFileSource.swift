internal import CLinux
import Glibc
internal import STTBuffers
public import STTSample

/// Reads a file, FIFO or character device as a stream of messages.
///
/// A regular file is finished at its end, or begins again. Nothing of it is lost: what nobody could
/// take is read again a millisecond later. A FIFO or device is opened again when it ended or failed;
/// while no buffer is free its bytes wait in the kernel.
///
/// Messages of up to ``smallMessage`` bytes from lines and length prefixes travel in batches, all
/// others as frames in a buffer of their own.
public final class StreamedFileSource: SampleSource {
  public static let messageByteCounts = 1...(16 << 20)
  public static let rates = 0.001...1_000_000.0
  /// A message above this gets a buffer of its own.
  public static let smallMessage = 4096
  static let batchByteCount = 8192
  static let readByteCount = 65_536
  /// Messages of one call: others share the thread.
  static let mostMessages = 64
  /// Nobody tells when room is there again, so it is looked for at this interval.
  static let retry: UInt64 = 1_000_000

  public let description: StreamDescription
  public private(set) var descriptor: CInt?
  public private(set) var deadline: UInt64? = 0

  let framing: Framing
  let input: ByteInput
  /// Bytes read and not yet taken: `intake[begin..<end]`.
  let intake: UnsafeMutableRawBufferPointer
  var begin = 0
  var end = 0
  var lineCutter: LineCutter
  var scanner = JPEGScanner()
  /// After a nonsensical length: the input is emptied first.
  var isDiscarding = false

  /// Where a message is read into when it has a buffer of its own.
  var body: Lease?
  var bodyOffset: UInt64 = 0
  /// Bytes of a length-prefixed message in `body`, when all are there.
  var bodyByteCount = 0
  var isBodyComplete = false
  var scanned = 0
  var expectedPicture = readByteCount

  var batch: SampleBatch?
  var batchOffset: UInt64 = 0
  var cutLines: UInt64 = 0

  private let loops: Bool
  private var metronome: Metronome?
  /// Whether messages come faster than a thread is woken for each.
  private let isFast: Bool
  /// Paced messages that are due and not yet out.
  private var due = 0
  private var backoff = Backoff()
  private var isUnavailable = false
  private var isFinished = false
  private var messagesThisPass = 0

  /// What became of an attempt at one message.
  enum Progress {
    case message
    case noRoom
    case blocked
    case ended
    case failed(CInt)
  }

  /// Opens nothing yet: a file that is missing is an event of the running source.
  ///
  /// - Parameters:
  ///   - loops: a regular file begins again at its end.
  ///   - framesPerSecond: messages per second, within ``rates``; `nil` for as fast as they come and
  ///     are taken. Messages that come faster wait in the kernel.
  public init(
    _ description: StreamDescription, path: String, framing: Framing, loops: Bool = false,
    framesPerSecond: Double? = nil
  ) throws(FileSourceError) {
    guard Self.messageByteCounts.contains(framing.maximumByteCount) else {
      throw .byteCount("a message", framing.maximumByteCount, allowed: Self.messageByteCounts)
    }
    if let framesPerSecond, !Self.rates.contains(framesPerSecond) {
      throw .rate(framesPerSecond, allowed: Self.rates)
    }
    self.description = description
    self.framing = framing
    self.loops = loops
    metronome = framesPerSecond.map(Metronome.init)
    isFast = (framesPerSecond ?? 0) > 1000
    input = ByteInput(path: path)
    var longestLine = 0
    if case .lines(let count) = framing { longestLine = count }
    lineCutter = LineCutter(maximumByteCount: longestLine)
    // A line is found where it was read, so it must fit, with its line end.
    intake = .allocate(byteCount: max(Self.readByteCount, longestLine + 2), alignment: 4096)
  }

  deinit { intake.deallocate() }

  public func produce<Outlet: SourceOutlet & ~Copyable>(now: SampleTime, into outlet: inout Outlet) {
    let time = now.monotonicNanoseconds
    guard !isFinished, input.isOpen || open(time, &outlet) else { return }
    if due == 0, let (isDue, missed) = metronome?.tick(now: time) {
      guard isDue else { return wait(until: metronome?.deadline) }
      // What a thread wakes up for one by one is not made up for; a faster pace is kept on average.
      due = isFast ? Int(min(missed + 1, UInt64(Self.mostMessages))) : 1
    }
    for _ in 0..<(metronome == nil ? Self.mostMessages : due) {
      let progress = nextOverEnds(now, &outlet)
      switch progress {
      case .message:
        messagesThisPass += 1
        if due > 0 { due -= 1 }
      case .noRoom: return settle(retryAt: time &+ Self.retry, now, &outlet)
      case .blocked:
        works(&outlet)
        return settle(retryAt: nil, now, &outlet)
      case .ended: return finish(now, &outlet)
      case .failed(let error): return lose("read", error, now, &outlet)
      }
    }
    settle(retryAt: metronome == nil ? time : nil, now, &outlet)
  }

  /// The next message, of a file that loops also behind its end.
  private func nextOverEnds<Outlet: SourceOutlet & ~Copyable>(_ now: SampleTime, _ outlet: inout Outlet) -> Progress {
    while true {
      let progress = next(now, &outlet)
      guard case .ended = progress, input.isRegular, loops, messagesThisPass > 0 else { return progress }
      messagesThisPass = 0
      rewind(to: 0)
    }
  }

  private func next<Outlet: SourceOutlet & ~Copyable>(_ now: SampleTime, _ outlet: inout Outlet) -> Progress {
    switch framing {
    case .raw(let count): nextChunk(count, now, &outlet)
    case .lines: nextLine(now, &outlet)
    case .lengthPrefixed(let prefix, let most): nextPrefixed(prefix, most, now, &outlet)
    case .jpeg(let most, let frameID): nextPicture(most, frameID, now, &outlet)
    }
  }
}

// Opening, waiting and ending.
extension StreamedFileSource {
  private func open<Outlet: SourceOutlet & ~Copyable>(_ time: UInt64, _ outlet: inout Outlet) -> Bool {
    if let deadline, time < deadline { return false }
    if let error = input.open() {
      if !isUnavailable { outlet.report(.unavailable(reason: fileTrouble("open", input.path, errno: error))) }
      isUnavailable = true
      descriptor = nil
      deadline = backoff.next(after: time)
      return false
    }
    return true
  }

  /// Called when a read gave something, or that nothing is there: opening alone does not show that
  /// a device is well.
  func works<Outlet: SourceOutlet & ~Copyable>(_ outlet: inout Outlet) {
    backoff.reset()
    if isUnavailable { outlet.report(.available) }
    isUnavailable = false
  }

  private func wait(until moment: UInt64?) {
    let isPaced = metronome != nil
    descriptor = input.isPollable && moment == nil && !isPaced ? input.descriptor : nil
    deadline = moment
  }

  /// Ends a call: sends what was gathered and says when to come back.
  private func settle<Outlet: SourceOutlet & ~Copyable>(
    retryAt: UInt64?, _ now: SampleTime, _ outlet: inout Outlet
  ) {
    if cutLines > 0 {
      outlet.report(.gap(count: cutLines, reason: "lines longer than \(lineCutter.maximumByteCount) bytes were cut"))
      cutLines = 0
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

  private func finish<Outlet: SourceOutlet & ~Copyable>(_ now: SampleTime, _ outlet: inout Outlet) {
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
      if let error = input.open() { return lose("open", error, now, &outlet) }
      settle(retryAt: nil, now, &outlet)
    } else {
      // A terminal that hung up reads as ended.
      lose("read", ENODEV, now, &outlet)
    }
  }

  private func loseEmpty<Outlet: SourceOutlet & ~Copyable>(_ now: SampleTime, _ outlet: inout Outlet) {
    if !isUnavailable { outlet.report(.unavailable(reason: "\(input.path) holds no message")) }
    retreat(now)
  }

  private func lose<Outlet: SourceOutlet & ~Copyable>(
    _ doing: String, _ error: CInt, _ now: SampleTime, _ outlet: inout Outlet
  ) {
    _ = flush(&outlet)
    if !isUnavailable { outlet.report(.unavailable(reason: fileTrouble(doing, input.path, errno: error))) }
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
