internal import STTBuffers
public import STTSample

/// Generates messages a receiver can check with ``PatternVerifier``.
///
/// Without a rate it makes them as fast as they are taken, and none is lost: what was refused comes
/// again a millisecond later. With a rate, a message nobody could take is lost and its number with
/// it; those a late thread owes are made up for.
public final class PatternSource: SampleSource {
  public static let messageByteCounts = 1...((16 << 20) - 16)
  public static let rates = 0.001...1_000_000.0
  static let batchByteCount = 16_384
  static let retry: UInt64 = 1_000_000
  // Of one call: others share the thread.
  static let mostBytes = 1 << 20
  static let mostMessages = 1024

  public let description: StreamDescription
  public var descriptor: CInt? { nil }
  public private(set) var deadline: UInt64? = 0

  private let messageByteCount: Int
  private let seed: UInt64
  private let count: UInt64
  private var metronome: Metronome?
  private var next: UInt64 = 0
  private var batch: SampleBatch?
  private var batchStart: UInt64 = 0
  /// A small message before it goes into its batch.
  private let small: UnsafeMutableRawBufferPointer

  /// - Parameters:
  ///   - hertz: messages per second, within ``rates``; `nil` for as fast as they are taken.
  ///   - count: messages until it is finished; `nil` for no end.
  public init(
    _ description: StreamDescription, messageByteCount: Int, hertz: Double? = nil, count: UInt64? = nil,
    seed: UInt64 = 1
  ) throws(FileSourceError) {
    guard Self.messageByteCounts.contains(messageByteCount) else {
      throw .byteCount("a message", messageByteCount, allowed: Self.messageByteCounts)
    }
    if let hertz, !Self.rates.contains(hertz) { throw .rate(hertz, allowed: Self.rates) }
    self.description = description
    self.messageByteCount = messageByteCount
    self.seed = seed
    self.count = count ?? .max
    metronome = hertz.map(Metronome.init)
    small = .allocate(byteCount: min(messageByteCount, StreamedFileSource.smallMessage), alignment: 16)
  }

  deinit { small.deallocate() }

  public func produce<Outlet: SourceOutlet & ~Copyable>(now: SampleTime, into outlet: inout Outlet) {
    guard deadline != nil else { return }
    let time = now.monotonicNanoseconds
    var end = count
    if metronome != nil {
      _ = metronome?.tick(now: time)
      end = min(count, metronome?.index ?? 0)
    }
    let limit = min(end, next &+ UInt64(min(Self.mostMessages, Self.mostBytes / messageByteCount + 1)))
    var isRefused = false
    while next < limit, !isRefused { isRefused = !send(now, &outlet) }
    if !flush(&outlet) { isRefused = true }
    if isRefused, metronome != nil, next < end {
      outlet.report(.gap(count: end - next, reason: "no buffer was free"))
      next = end
    }
    if next >= count {
      deadline = nil
      outlet.report(.finished)
    } else if isRefused, metronome == nil {
      deadline = time &+ Self.retry
    } else {
      deadline = next < end ? time : metronome?.deadline
    }
  }

  /// `false`: there was no buffer, or nobody took it and it will be made again.
  private func send<Outlet: SourceOutlet & ~Copyable>(_ now: SampleTime, _ outlet: inout Outlet) -> Bool {
    if messageByteCount > StreamedFileSource.smallMessage {
      guard var lease = outlet.lease(atLeast: messageByteCount) else { return false }
      Pattern.fill(
        UnsafeMutableRawBufferPointer(start: lease.unsafeBase, count: messageByteCount), seed: seed, index: next)
      lease.count = messageByteCount
      guard outlet.emit(.frame(time: now, head: nil, body: lease), comesAgain: metronome == nil) || metronome != nil else {
        return false
      }
    } else {
      Pattern.fill(small, seed: seed, index: next)
      if !append(now) {
        guard flush(&outlet), let lease = outlet.lease(atLeast: Self.batchByteCount) else { return false }
        batch = SampleBatch(lease)
        batchStart = next
        _ = append(now)
      }
    }
    next += 1
    return true
  }

  private func append(_ now: SampleTime) -> Bool {
    batch?.append(at: now) { $0.raw(RawSpan(_unsafeBytes: UnsafeRawBufferPointer(small))) } ?? false
  }

  private func flush<Outlet: SourceOutlet & ~Copyable>(_ outlet: inout Outlet) -> Bool {
    guard let batch = batch.take() else { return true }
    if outlet.emit(.batch(batch.finish()), comesAgain: metronome == nil) || metronome != nil { return true }
    next = batchStart
    return false
  }
}
