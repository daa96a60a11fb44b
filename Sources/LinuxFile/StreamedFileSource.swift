internal import CLinux
import Glibc
internal import STTBuffers
public import STTSample

/// Reads a file, FIFO, character device, serial line, socket or command's output as a stream of messages.
///
/// A regular file is finished at its end, or begins again. Nothing of it is lost: what nobody could
/// take is read again a millisecond later. All others are opened again when they ended or failed;
/// while no buffer is free their bytes wait in the kernel.
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
  /// Of a picture's start code, what may have come before the bytes that show it.
  static let spareByteCount = 64
  /// Messages of one call: others share the thread.
  static let mostMessages = 64
  /// Nobody tells when room is there again, so it is looked for at this interval.
  static let retry: UInt64 = 1_000_000
  /// A serial line was silent for so long before a line that begins then: the time of fifty characters at 9600 baud.
  static let silence: UInt64 = 50_000_000
  /// A command that ran for so long may be started again at once.
  static let steadyRun: UInt64 = 10_000_000_000

  public let description: StreamDescription
  public internal(set) var descriptor: CInt?
  public internal(set) var deadline: UInt64? = 0

  let framing: Framing
  let input: ByteInput
  /// Bytes read and not yet taken: `intake[begin..<end]`.
  let intake: UnsafeMutableRawBufferPointer
  var begin = 0
  var end = 0
  var lineCutter: LineCutter
  var scanner: PictureScanner
  var encoder: LineEncoder
  /// After a nonsensical length: the input is emptied first.
  var isDiscarding = false

  /// Where a message is read into when it has a buffer of its own.
  var body: Lease?
  var bodyOffset: UInt64 = 0
  /// When the first bytes of `body` came.
  var bodyTime = SampleTime(monotonicNanoseconds: 0, wallNanoseconds: 0)
  /// Bytes of a length-prefixed message in `body`, when all are there.
  var bodyByteCount = 0
  var isBodyComplete = false
  var scanned = 0
  var expectedPicture = readByteCount

  var batch: SampleBatch?
  var batchOffset: UInt64 = 0
  var cutLines: UInt64 = 0
  /// Sentences left out for their checksums.
  var unsoundLines: UInt64 = 0
  /// Bytes between records.
  var strayBytes: UInt64 = 0

  let loops: Bool
  var metronome: Metronome?
  /// Whether messages come faster than a thread is woken for each.
  let isFast: Bool
  /// Paced messages that are due and not yet out.
  var due = 0
  var backoff: Backoff
  var isUnavailable = false
  var isFinished = false
  var messagesThisPass = 0
  /// When it was opened, until the first bytes came.
  var silentSince: UInt64?
  var openedAt: UInt64 = 0

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
  public convenience init(
    _ description: StreamDescription, path: String, framing: Framing, loops: Bool = false,
    framesPerSecond: Double? = nil
  ) throws(FileSourceError) {
    try self.init(
      description, .file(path: path), framing: framing, loops: loops, framesPerSecond: framesPerSecond)
  }

  /// - Parameters:
  ///   - messageName: of the schema `stt.<messageName>` that lines get if their content is not opaque.
  ///   - lines: what becomes of lines.
  public init(
    _ description: StreamDescription, _ origin: ByteOrigin, framing: Framing, messageName: String = "line",
    lines: LineContent = .opaque, loops: Bool = false, framesPerSecond: Double? = nil
  ) throws(FileSourceError) {
    guard Self.messageByteCounts.contains(framing.maximumByteCount) else {
      throw .byteCount("a message", framing.maximumByteCount, allowed: Self.messageByteCounts)
    }
    if let framesPerSecond, !Self.rates.contains(framesPerSecond) {
      throw .rate(framesPerSecond, allowed: Self.rates)
    }
    encoder = LineEncoder(framing.isLines ? lines : .opaque)
    var description = description
    if framing.isLines, let fields = lines.fields {
      description.schema = .protobuf(messageName: messageName, fields: fields)
      description.maximumMessageByteCount = encoder.largestMessage(lineByteCount: framing.maximumByteCount)
    }
    self.description = description
    self.framing = framing
    scanner = if case .h264 = framing { .h264(H264Scanner()) } else { .jpeg(JPEGScanner()) }
    self.loops = loops
    metronome = framesPerSecond.map(Metronome.init)
    isFast = (framesPerSecond ?? 0) > 1000
    input = ByteInput(origin)
    // A program that fails is not worth starting every second.
    backoff = if case .command = origin { Backoff(longest: Self.steadyRun) } else { Backoff() }
    lineCutter = LineCutter(maximumByteCount: framing.isLines ? framing.maximumByteCount : 0)
    // A line is found where it was read, so it must fit, with its line end; so must a record.
    var longest = 0
    if framing.isLines { longest = framing.maximumByteCount + 2 }
    if case .fixed(let byteCount, _) = framing { longest = byteCount }
    intake = .allocate(byteCount: max(Self.readByteCount, longest) + Self.spareByteCount, alignment: 4096)
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
    case .lines, .nmea: nextLine(now, &outlet)
    case .fixed(let byteCount, let start): nextRecord(byteCount, start, now, &outlet)
    case .lengthPrefixed(let prefix, let most): nextPrefixed(prefix, most, now, &outlet)
    case .jpeg(let most, let frameID): nextPicture(most, frameID, now, &outlet)
    case .h264(let most, let frameID): nextPicture(most, frameID, now, &outlet)
    }
  }
}
