import Glibc
import LinuxEvents
import LinuxProcess
import Logging
import STC
import STTBoard
import STTBuffers
import STTJSON
import STTKeyring
import STTSample
import STTSession
import STTWire

/// The session thread's share of the agent: samples in, datagrams out, counters on disk.
struct DeviceLink: ~Copyable {
  private let log: Logger
  let deviceName: String
  private var endpoint: DeviceEndpoint
  private var seeds: DeviceSeeds
  private var random = SystemRandomNumberGenerator()
  private var noStreams = NoIncomingStreams()
  /// When what was needed to connect or to tell of itself, most of the program, is in memory for nothing.
  private var settled = MonotonicTime.never
  private let pool: BufferPool
  private let incarnation: UInt64
  private let deviceID: [UInt8]
  private var names: [String] = []
  private var shares: [CopyShare] = []
  private let eventStream: Int
  private let limit: Int
  private var overflowCount: UInt64 = 0
  private var gapCount: UInt64 = 0
  private var finishedCount = 0
  /// Outputs dropped since the last gap event, by stream.
  private var unreported: [Int: UInt64] = [:]
  private var account: AccountBook?
  private var anchors: AnchorBook
  private var isCounterExhausted = false
  /// For asking whether UDP works again.
  let probe: UDPProbe

  /// - Parameter eventStream: which of the streams that are added will be ``events``.
  init(
    _ configuration: AgentConfiguration, pair loaded: LoadedPair, identity: IdentityKey?, state: StateDirectory,
    eventStream: Int,
    pool: BufferPool, keepsAccount: Bool, log: Logger
  ) throws {
    let pair = loaded.pair
    let keys = try pair.keys(of: pair.current)
    let incarnation = try state.nextIncarnation()
    let seeds = try DeviceSeeds(loaded, in: state, log: log)
    let preferred = Suite.preferred(aesInstructions: Processor.hasAESInstructions)
    let suites: [Suite] =
      switch configuration.collector.cipher {
      case .automatic: [preferred] + Suite.allCases.filter { $0 != preferred }
      case .aes256GCM: [.aes256GCM]
      case .chaCha20Poly1305: [.chaCha20Poly1305]
      }
    let offer = HandshakeOffer(
      modes: configuration.collector.mode == .hybrid ? [.hybrid] : [.seed], suites: suites,
      maximumDatagram: UInt16(clamping: configuration.collector.maximumDatagramByteCount))
    var random = SystemRandomNumberGenerator()
    var endpoint = DeviceEndpoint(
      keys: keys, offer: offer,
      settings: Session.Settings(largestDatagramByteCount: configuration.collector.maximumDatagramByteCount),
      bootID: random.next(), identity: identity, now: MonotonicTime(nanoseconds: Clocks.monotonic))
    endpoint.setEpochs(try seeds.keys(), now: MonotonicTime(nanoseconds: Clocks.monotonic))
    anchors = try AnchorBook(device: pair.name, in: state, log: log)
    self.log = log
    self.pool = pool
    self.endpoint = endpoint
    self.seeds = seeds
    self.incarnation = incarnation
    deviceID = pair.deviceID
    deviceName = pair.name
    probe = UDPProbe(keys: keys, offer: offer)
    self.eventStream = eventStream
    limit = configuration.buffers.unacknowledgedByteCount
    account = keepsAccount ? AccountBook(incarnation: incarnation) : nil
  }

  /// What happens to sources.
  static let events = StreamDescription(name: "stt/agent", schema: eventSchema, priority: 0)

  /// Adds streams; the first is the one after all before.
  mutating func add(_ descriptions: [StreamDescription]) throws {
    for description in descriptions {
      guard !names.contains(description.name) else {
        throw AgentFailure("two sources are named \(description.name); give each a name of its own")
      }
      let identity = streamIdentity(deviceID: deviceID, name: description.name)
      let open = StreamOpen(
        description, uid: StreamUID(high: identity.high, low: identity.low), incarnation: incarnation)
      let added = endpoint.add(
        open, padding: Padding(description.padding), parity: Parity(description.errorCorrection))
      guard added != nil else {
        throw AgentFailure("a session has at most \(Outbox.mostStreams) streams, and this configuration asks for more")
      }
      names.append(description.name)
      shares.append(CopyShare())
      anchors.add(purpose: description.purpose)
      account?.add(description.name)
    }
  }

  /// The stream that is added next.
  var nextStream: Int { names.count }
  /// Bits a second the sources may make; 0 when nothing is known.
  var targetBitrate: Double { endpoint.targetBitrate ?? 0 }

  static let eventSchema = Schema.protobuf(
    messageName: "event",
    fields: [Field("kind", .string), Field("stream", .string), Field("detail", .string), Field("count", .uint64, unit: "1")])

  var streamCount: Int { names.count - 1 }
  var isConnected: Bool { endpoint.isConnected }
  var isRelieved: Bool { endpoint.outbox.isEmpty }
  /// Whether more fits into the memory for what is unacknowledged.
  var hasRoom: Bool { endpoint.outbox.byteCount < limit }
  /// Whether every source has nothing more to give.
  var isFinished: Bool { finishedCount == streamCount }
  var unacknowledgedByteCount: Int { endpoint.outbox.byteCount }
  var deadline: UInt64 {
    isCounterExhausted ? .max : endpoint.deadline(now: MonotonicTime(nanoseconds: Clocks.monotonic)).nanoseconds
  }

  /// Takes what a source made. Beyond the configured limit the newest is dropped and counted.
  mutating func take(_ item: consuming SourceItem) {
    switch consume item {
    case .event(let stream, let event):
      take(event, of: names[stream])
      if event == .finished { endpoint.finish(stream) }
    case .output(let stream, let output):
      guard endpoint.outbox.byteCount < limit else {
        overflowCount += 1
        unreported[stream, default: 0] += 1
        if overflowCount == 1 || overflowCount.isMultiple(of: 1000) {
          log.warning(
            "\(names[stream]): the collector has not acknowledged \(limit >> 20) MiB; \(overflowCount) output(s) dropped so far"
          )
        }
        return
      }
      if let missed = unreported.removeValue(forKey: stream) {
        take(.gap(count: missed, reason: "the agent's memory was full of unacknowledged messages"), of: names[stream])
      }
      enqueue(output, stream)
    }
  }

  private mutating func enqueue(_ output: consuming SourceOutput, _ stream: Int) {
    switch consume output {
    case .batch(let lease):
      if lease.count * 2 < lease.capacity {
        pack(lease, stream)
        return
      }
      shares[stream].lent += UInt64(lease.count)
      if account != nil { noteBatch(lease, stream) }
      var layout = SampleBatchLayout()
      _ = endpoint.enqueue(lease, on: stream) { batch in
        guard let record = layout.next(in: batch) else { return nil }
        return (
          Self.time(batch, record.offset), record.offset + MessageTime.byteCount, record.byteCount - MessageTime.byteCount
        )
      }
    case .frame(let time, let head, let body):
      if body.count <= Self.packedByteCount, head == nil {
        pack(time, body, stream)
        return
      }
      shares[stream].lent += UInt64(body.count)
      if account != nil { noteFrame(head, body, stream) }
      endpoint.enqueue(
        time: MessageTime(
          monotonicNanoseconds: time.monotonicNanoseconds, wallNanoseconds: time.wallNanoseconds), head: head,
        body: body, on: stream)
    }
  }

  /// Messages up to this size share a buffer when they come alone.
  private static let packedByteCount = 4096
  private static let packingByteCount = 65_536

  /// A sample that comes alone would keep a buffer of its own until it is acknowledged; copied beside
  /// others it keeps its own bytes.
  private mutating func pack(_ batch: consuming Lease, _ stream: Int) {
    var layout = SampleBatchLayout()
    while let record = layout.next(in: batch) {
      packOne(
        Self.time(batch, record.offset),
        batch.bytes.extracting(record.offset + MessageTime.byteCount..<record.offset + record.byteCount), stream)
    }
  }

  private mutating func pack(_ time: SampleTime, _ body: borrowing Lease, _ stream: Int) {
    packOne(
      MessageTime(monotonicNanoseconds: time.monotonicNanoseconds, wallNanoseconds: time.wallNanoseconds), body.bytes,
      stream)
  }

  private mutating func packOne(_ time: MessageTime, _ payload: RawSpan, _ stream: Int) {
    let pool = pool
    guard
      endpoint.enqueueCopy(
        time: time, payload: payload, on: stream, lease: { pool.lease(atLeast: Self.packingByteCount) })
    else {
      overflowCount += 1
      return
    }
    shares[stream].copied += UInt64(payload.byteCount)
    account?.note(stream, payload)
  }

  private static func time(_ batch: borrowing Lease, _ offset: Int) -> MessageTime {
    MessageTime(
      monotonicNanoseconds: UInt64(
        littleEndian: batch.bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)),
      wallNanoseconds: UInt64(
        littleEndian: batch.bytes.unsafeLoadUnaligned(fromByteOffset: offset + 8, as: UInt64.self)))
  }

  private mutating func noteBatch(_ batch: borrowing Lease, _ stream: Int) {
    var layout = SampleBatchLayout()
    while let record = layout.next(in: batch) {
      account?.note(
        stream,
        batch.bytes.extracting(record.offset + MessageTime.byteCount..<record.offset + record.byteCount))
    }
  }

  private mutating func noteFrame(_ head: borrowing Lease?, _ body: borrowing Lease, _ stream: Int) {
    switch head {
    case .some(let head): account?.note(stream, head: head.bytes, body: body.bytes)
    case .none: account?.note(stream, body.bytes)
    }
  }

  /// What happens to a source is a message of its own, so that the recording tells.
  mutating func take(_ event: SourceEvent, of name: String) {
    var count: UInt64 = 0
    var kind = ""
    var detail = ""
    switch event {
    case .gap(let missed, let reason):
      (kind, detail, count) = ("gap", reason, missed)
      gapCount += missed
      log.debug("\(name): \(missed) message(s) missing: \(reason)")
    case .unavailable(let reason):
      (kind, detail) = ("unavailable", reason)
      log.warning("\(name): \(reason)")
    case .available:
      kind = "available"
      log.notice("\(name): works again")
    case .finished:
      kind = "finished"
      finishedCount += 1
      log.info("\(name): read to its end")
    }
    guard let lease = pool.lease(atLeast: 512) else { return }
    var batch = SampleBatch(lease)
    let now = SampleTime(monotonicNanoseconds: Clocks.monotonic, wallNanoseconds: Clocks.wall)
    let fits = batch.append(at: now) {
      $0.string(kind, field: 1)
      $0.string(name, field: 2)
      $0.string(String(detail.prefix(200)), field: 3)
      $0.uint64(count, field: 4)
    }
    if fits { enqueue(.batch(batch.finish()), eventStream) }
  }

  mutating func take(_ datagram: UnsafeMutableRawBufferPointer, _ ecn: ECN, now: MonotonicTime, wall: UInt64) {
    endpoint.receive(unsafe: datagram, now: now, wall: wall, ecn: ecn, sink: &noStreams)
  }

  private mutating func tendAnchors(_ now: UInt64) {
    let wall = Clocks.wall
    for stream in names.indices { anchors.note(stream, endpoint.outbox.chainHead(stream), wall: wall) }
    anchors.tend(now: now)
  }

  /// How the datagram written last is to be marked in its IP header.
  var mark: ECN { endpoint.mark }

  mutating func moved() {
    endpoint.moved(now: MonotonicTime(nanoseconds: Clocks.monotonic), using: &random)
  }

  mutating func handleTimeout() {
    let now = MonotonicTime(nanoseconds: Clocks.monotonic)
    endpoint.handleTimeout(now: now, using: &random)
    if seeds.tend(connected: endpoint.connectedEpoch, now: now.nanoseconds) { useSeeds() }
    tendAnchors(now.nanoseconds)
    if now >= settled {
      ProgramPages.release()
      settled = .never
    }
    guard endpoint.wantsToConnect(now: now), !isCounterExhausted else { return }
    var fresh: UInt64 = 0
    if endpoint.needsCounter {
      do { fresh = try seeds.takeCounter(endpoint.nextEpoch) } catch {
        log.critical("cannot connect: \(error)")
        isCounterExhausted = true
        return
      }
    }
    endpoint.connect(counter: fresh, wall: Clocks.wall, now: now, using: &random)
  }

  mutating func transmit(into buffer: UnsafeMutableRawBufferPointer, now: MonotonicTime, wall: UInt64) -> Int {
    endpoint.transmit(into: buffer, now: now, wall: wall)
  }

  /// Logs what happened; answers whether the collector should be looked up again.
  mutating func takeEvents() -> Bool {
    var failed = false
    while let event = endpoint.takeEvent() {
      switch event {
      case .connected(let mode, let suite):
        log.notice("connected: \(mode), \(suite)")
        settleSoon()
      case .proven(let epoch):
        if seeds.promote(epoch) { useSeeds() }
      case .seedOffered: takeSeed()
      case .disconnected(.closed): log.notice("disconnected")
      case .disconnected(.closedByPeer(CloseReason.identity.rawValue, let text)):
        log.critical(
          "the collector does not accept this device's identity: \(text). If the device has a new one, its owner must run `stt identity unpin` on the collector."
        )
      case .disconnected(let end):
        log.warning("disconnected (\(end)); \(unacknowledgedByteCount) bytes wait for the next session")
      case .attemptFailed(let attempts, let wait):
        failed = true
        log.warning(
          "no collector that knows our seed answers (attempt \(attempts)); trying again in \(wait / 1_000_000) ms")
      case .refused(let status): log.error("the collector refuses us with status \(status)")
      }
    }
    return failed
  }

  /// Reads the pair file again, which somebody may have changed.
  mutating func reload() {
    if seeds.reload() { useSeeds() }
  }

  /// On the disk first: from then on the device may have to find its collector with it.
  private mutating func takeSeed() {
    guard let offer = endpoint.takeSeedOffer() else { return }
    if let refusal = seeds.keep(offer) { return endpoint.refuseSeed(offer.epoch, refusal) }
    useSeeds()
    endpoint.keepSeed(offer.epoch, now: MonotonicTime(nanoseconds: Clocks.monotonic))
  }

  private mutating func useSeeds() {
    do { endpoint.setEpochs(try seeds.keys(), now: MonotonicTime(nanoseconds: Clocks.monotonic)) } catch {
      log.error("going on with the seeds of before: \(error)")
    }
  }

  mutating func close() { endpoint.close() }

  /// Something rare was done: its share of the program goes out of memory after a while.
  mutating func settleSoon() { settled = MonotonicTime(nanoseconds: Clocks.monotonic) + .seconds(2) }

  /// Gives back unused counters, and writes the account.
  mutating func finish(accountPath: String?) throws {
    tendAnchors(Clocks.monotonic)
    anchors.save()
    if let accountPath, let account {
      let bytes = Array(account.text.utf8)
      let descriptor = open(accountPath, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
      guard descriptor >= 0, write(descriptor, bytes, bytes.count) == bytes.count else {
        throw AgentFailure("cannot write the account to \(accountPath): \(String(cString: strerror(errno)))")
      }
      Glibc.close(descriptor)
    }
    try seeds.finish()
  }

  func describe(into root: inout JSONObject) {
    root.set("device", deviceName)
    root.set("connected", endpoint.isConnected)
    if let epoch = endpoint.connectedEpoch { root.set("seedEpoch", UInt64(epoch)) }
    root.set("unacknowledgedBytes", endpoint.outbox.byteCount)
    root.set("messagesDropped", overflowCount)
    root.set("messagesMissedAtSources", gapCount)
    if let roundTrip = endpoint.smoothedRoundTrip { root.set("roundTripSeconds", Double(roundTrip) / 1e9) }
    if let window = endpoint.congestionWindow { root.set("congestionWindowBytes", window) }
    if let rate = endpoint.targetBitrate { root.set("targetBitsPerSecond", rate) }
    if let usesECN = endpoint.usesECN { root.set("ecn", usesECN) }
    if let statistics = endpoint.statistics {
      root.set("packetsSent", statistics.packetsSent)
      root.set("packetsLost", statistics.packetsLost)
      root.set("packetsOfParity", statistics.paritySent)
      root.set("packetsMarked", statistics.packetsMarked)
      root.set("bytesSent", statistics.bytesSent)
    }
    root.set(
      "streams",
      names.indices.map { index in
        var stream = JSONObject()
        stream.set("name", names[index])
        stream.set("messages", endpoint.outbox.nextNumber(index))
        stream.set("delivered", endpoint.outbox.delivered(index))
        stream.set("durable", endpoint.outbox.durable(index))
        stream.set("bytesLent", shares[index].lent)
        stream.set("bytesCopied", shares[index].copied)
        return stream
      })
  }
}

/// Of a stream's bytes, those the cipher reads where the source or the device put them, and those that were copied
/// beside others before.
private struct CopyShare {
  var lent: UInt64 = 0
  var copied: UInt64 = 0
}

/// A device receives no streams: the collector opens none.
private struct NoIncomingStreams: MessageSink, ~Copyable {
  mutating func opened(_ open: StreamOpen) -> StreamAdmission? { nil }
  mutating func deliver(token: Int, number: UInt64, time: MessageTime, payload: RawSpan) {}
  mutating func deliver(token: Int, number: UInt64, time: MessageTime, message: consuming Lease) {}
  mutating func skipped(token: Int, numbers: Range<UInt64>, reason: UInt8) {}
  mutating func ended(token: Int, end: UInt64) {}
  var isAccepting: Bool { false }
  mutating func lease(atLeast byteCount: Int) -> Lease? { nil }
}

extension Padding {
  init(_ padding: StreamDescription.Padding) {
    switch padding {
    case .none: self = .none
    case .buckets: self = .buckets
    // A configured rate is at least 0.1 Hz.
    case .constantRate(let hertz): self = .constantRate(interval: UInt64(1e9 / max(hertz, 0.001)))
    }
  }
}

extension Parity {
  init(_ errorCorrection: StreamDescription.ErrorCorrection) {
    switch errorCorrection {
    case .none: self = .none
    case .always(let data, let parity):
      self = ParityShape(dataCount: data, parityCount: parity).map(Parity.always) ?? .none
    case .automatic(let data, let parity):
      self = ParityShape(dataCount: data, parityCount: parity).map(Parity.automatic) ?? .none
    }
  }
}

extension StreamOpen {
  init(_ description: StreamDescription, uid: StreamUID, incarnation: UInt64) {
    self.init(
      largestMessage: UInt32(clamping: description.maximumMessageByteCount),
      delivery: STTWire.DeliveryClass(rawValue: description.delivery.rawValue) ?? .reliable,
      durability: STTWire.Durability(rawValue: description.durability.rawValue) ?? .durable, priority: description.priority,
      deadlineMilliseconds: description.deadlineMilliseconds, uid: uid, incarnation: incarnation, firstMessage: 0,
      name: description.name,
      schemaEncoding: description.schema.encoding, schemaName: description.schema.name,
      schemaData: description.schema.data, purpose: description.purpose)
  }
}
