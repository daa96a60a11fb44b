import LinuxEvents
import LinuxUDP
public import Logging
import STC
public import STTBoard
import STTBuffers
import STTJSON
import STTKeyring
public import STTSample
import STTSession
import STTWire
import Synchronization

/// Why an agent could not start. The text is a sentence for its owner.
public struct AgentFailure: Error, CustomStringConvertible, Sendable {
  public let description: String

  init(_ description: String) { self.description = description }
}

/// How a run differs from what the configuration says.
public struct AgentRun: Sendable {
  /// Where to write, at the end, what was sent: a line of JSON a stream.
  public var accountPath: String?
  /// End by itself after so many nanoseconds.
  public var duration: UInt64?
  /// End by itself when every source has finished and everything is acknowledged. Until then sources wait while
  /// memory is full, and nothing is dropped.
  public var endsWithSources: Bool

  public init(accountPath: String? = nil, duration: UInt64? = nil, endsWithSources: Bool = false) {
    self.accountPath = accountPath
    self.duration = duration
    self.endsWithSources = endsWithSources
  }
}

/// Sources that one thread runs.
public struct SourceGroup {
  public var name: String
  public var sources: [any SampleSource]

  public init(name: String, _ sources: [any SampleSource]) {
    self.name = name
    self.sources = sources
  }
}

/// A running agent: a thread for each source, and one that owns the socket and the session.
public struct Agent: ~Copyable {
  private static let socketToken: UInt64 = 0
  private static let sourcesToken: UInt64 = 1
  private static let signalToken: UInt64 = 2
  private static let statusToken: UInt64 = 3
  private static let webSocketToken: UInt64 = 4
  private static let receivesPerTurn = 4
  /// At a stop, what is unacknowledged gets this long.
  private static let drainNanoseconds: UInt64 = 10_000_000_000
  /// Between attempts to find the collector's address.
  private static let lookupNanoseconds: UInt64 = 5_000_000_000
  /// Between looks at the address this machine sends from.
  private static let sourceCheckNanoseconds: UInt64 = 2_000_000_000

  private let configuration: AgentConfiguration
  private let run: AgentRun
  private let log: Logger
  private let socket: UDPSocket
  private var link: DeviceLink
  private var receiving: ReceiveBatch
  private var sending = TransmitSlab()
  private var poller: Poller
  private let signals: SignalDescriptor
  private let wakeup: WakeupDescriptor
  private var threads: [SourceThread]
  private let pool: BufferPool
  private let figures: LinkFigures
  private let search: SourceSearch
  private let status: StatusSocket?
  private let started = Clocks.monotonic
  private var collector: UDPAddress?
  private var choice: TransportChoice
  /// The way that the session was told of last.
  private var path: TransportChoice.Path
  private let webSocket: WebSocketCompanion?
  private var probe: UDPProbe
  private var lookupAt: UInt64 = 0
  /// Where this machine sends from, and when to look again.
  private var source: UDPAddress?
  private var sourceCheckAt: UInt64 = 0

  /// Opens everything an agent needs: state, key, sources, socket.
  ///
  /// - Parameter sources: what to stream instead of the sources that the configuration names.
  public static func open(
    _ configuration: AgentConfiguration, run: AgentRun, sources: [SourceGroup]? = nil, log: Logger
  ) throws -> Agent {
    let signals = try SignalDescriptor()
    let state = try StateDirectory(configuration.stateDirectory)
    let loaded = try PairFile.load(configuration.collector.pair)
    if let warning = loaded.warning { log.warning("\(warning)") }
    if let name = configuration.deviceName, name != loaded.pair.name {
      throw AgentFailure("[device] name is \(name), but the pair file is \(loaded.pair.name)'s: one of the two is wrong")
    }
    let identity = try configuration.identity.map { try loadIdentity($0, log) }
    let pool = BufferPool(slabs(configuration.buffers.memoryByteCount))
    let wakeup = try WakeupDescriptor()
    let figures = LinkFigures()
    var threads: [SourceThread] = []
    var descriptions: [StreamDescription] = []
    var missing: [(SourceConfiguration, SourceFailure)] = []
    var groups = sources ?? []
    for source in sources == nil ? configuration.sources : [] {
      do throws(SourceFailure) {
        groups.append(SourceGroup(name: source.name, try SourceAssembly.sources(source)))
      } catch {
        guard error.isDeviceMissing else { throw error }
        missing.append((source, error))
      }
    }
    for group in groups {
      threads.append(
        try SourceThread(
          name: group.name, sources: group.sources, firstStream: descriptions.count,
          ringCapacity: configuration.buffers.queueLength, pool: pool, wakeup: wakeup, link: figures, log: log))
      descriptions += group.sources.map(\.description)
    }
    var link = try DeviceLink(
      configuration, pair: loaded, identity: identity, state: state, eventStream: descriptions.count,
      pool: pool, keepsAccount: run.accountPath != nil, log: log)
    try link.add(descriptions + [DeviceLink.events])
    for (source, failure) in missing { link.take(.unavailable(reason: failure.reason), of: source.name) }
    let webSocket = try configuration.collector.webSocket.map { try WebSocketCompanion($0, log: log) }
    let socket = try UDPSocket(bind: .any(port: 0))
    guard let receiving = ReceiveBatch(slabCount: 4, pool: pool) else {
      throw AgentFailure("buffers.memory is too small for the receive buffers: 1 MiB is the least")
    }
    let poller = try Poller()
    var status: StatusSocket?
    if let path = configuration.statusSocket { status = try StatusSocket(path: path) }
    try poller.add(socket.descriptor, .readable, token: socketToken)
    try poller.add(wakeup.descriptor, .readable, token: sourcesToken)
    try poller.add(signals.descriptor, .readable, token: signalToken)
    let statusDescriptor = status?.descriptor
    if let statusDescriptor { try poller.add(statusDescriptor, .readable, token: statusToken) }
    return Agent(
      configuration: configuration, run: run, log: log, socket: socket, link: link, receiving: receiving,
      poller: poller, signals: signals, wakeup: wakeup, threads: threads, pool: pool, figures: figures,
      search: try SourceSearch(missing.map(\.0), wakeup: wakeup), status: status.take(), webSocket: webSocket)
  }

  private static func loadIdentity(_ reference: PairReference, _ log: Logger) throws -> IdentityKey {
    let loaded = try IdentityFile.load(reference)
    if let warning = loaded.warning { log.warning("\(warning)") }
    guard
      let key = IdentityKey(
        ed25519: loaded.identity.ed25519?.withUnsafeBytes { [UInt8]($0) },
        mlDSA65: loaded.identity.mlDSA65?.withUnsafeBytes { [UInt8]($0) })
    else { throw AgentFailure("the identity \(reference) holds no usable key: make one with `stt identity new`") }
    log.info("identity \(identityWords(key.publicKey.fingerprint))")
    return key
  }

  private init(
    configuration: AgentConfiguration, run: AgentRun, log: Logger, socket: consuming UDPSocket,
    link: consuming DeviceLink, receiving: consuming ReceiveBatch, poller: consuming Poller,
    signals: consuming SignalDescriptor, wakeup: WakeupDescriptor, threads: [SourceThread],
    pool: BufferPool, figures: LinkFigures, search: SourceSearch, status: consuming StatusSocket?,
    webSocket: WebSocketCompanion?
  ) {
    self.configuration = configuration
    self.run = run
    self.log = log
    self.socket = socket
    self.link = link
    self.receiving = receiving
    self.poller = poller
    self.signals = signals
    self.wakeup = wakeup
    self.threads = threads
    self.pool = pool
    self.figures = figures
    self.search = search
    self.status = status
    self.webSocket = webSocket
    let retry = configuration.collector.webSocket?.udpRetry ?? .zero
    choice = TransportChoice(
      configuration.collector.transport, retry: UInt64(clamping: Int64(retry / .nanoseconds(1))), now: started)
    path = choice.path
    probe = self.link.probe
  }

  /// Five parts in eight for buffers that datagrams, batches and packed samples share, a quarter for
  /// large frames, little for what only passes through. A camera's own buffers come on top.
  private static func slabs(_ byteCount: Int) -> [SlabClass] {
    var classes = [
      SlabClass(byteCount: 512, count: 512), SlabClass(byteCount: 4096, count: 64),
      SlabClass(byteCount: 70_000, count: max(8, byteCount * 5 / 8 / 70_000)),
    ]
    if byteCount >= 8 << 20 {
      // A quarter in all: most cameras' compressed frames fit the smaller ones, and would fill few large ones fast.
      classes.append(SlabClass(byteCount: 128 << 10, count: max(2, byteCount / 16 / (128 << 10))))
      classes.append(SlabClass(byteCount: 256 << 10, count: max(2, byteCount / 16 / (256 << 10))))
      classes.append(SlabClass(byteCount: 512 << 10, count: max(2, byteCount / 16 / (512 << 10))))
      classes.append(SlabClass(byteCount: 1 << 20, count: max(2, byteCount / 16 / (1 << 20))))
    }
    if byteCount >= 128 << 20 { classes.append(SlabClass(byteCount: 16 << 20, count: 2)) }
    return classes
  }

  /// Streams until SIGINT or SIGTERM, then waits for what is unacknowledged.
  public mutating func stream() throws {
    _ = socket.requestReceiveBuffer(1 << 20)
    _ = socket.requestSendBuffer(4 << 20)
    for thread in threads { try thread.start() }
    try search.start()
    log.notice(
      "\(link.deviceName): \(link.streamCount) stream(s) to \(configuration.collector.place)")
    let end = run.duration.map { started + $0 } ?? .max
    var isStopping = false
    while !isStopping, Clocks.monotonic < end {
      turn()
      if run.endsWithSources, link.isFinished, link.isRelieved { break }
      isStopping = try wait(until: end)
    }
    search.stop()
    for thread in threads { thread.stop() }
    try drain()
    link.close()
    turn()
    try link.finish(accountPath: run.accountPath)
  }

  /// Lets everything be acknowledged; a second signal, or ten seconds without success, ends it.
  private mutating func drain() throws {
    let limit = Clocks.monotonic + Self.drainNanoseconds
    turn()
    if !link.isRelieved { log.notice("stopping: \(link.unacknowledgedByteCount) bytes are not acknowledged yet") }
    while !link.isRelieved, Clocks.monotonic < limit {
      if try wait(until: limit) { break }
      turn()
    }
    if !link.isRelieved {
      log.warning("\(link.unacknowledgedByteCount) bytes were never acknowledged and are lost with this process")
    }
  }

  /// One round of the loop: take samples, take datagrams, keep time, send.
  private mutating func turn() {
    wakeup.clear()
    for thread in threads {
      while !run.endsWithSources || link.hasRoom, let item = thread.ring.pop() { link.take(item) }
    }
    for found in search.take() { begin(found) }
    tellLoad()
    findCollector()
    noticeMove()
    chooseTransport()
    var more = true
    var reads = 0
    let tunnel = webSocket?.address
    while more, reads < Self.receivesPerTurn {
      more = Self.receive(&receiving, socket, &link, &choice, &probe, direct: collector, tunnel: tunnel)
      reads += 1
    }
    link.handleTimeout()
    // Before anything is answered: a new seed has to be on the disk.
    let failed = link.takeEvents()
    let asks = choice.takeProbe(now: Clocks.monotonic) ? collector : nil
    let to = target
    Self.transmit(&sending, socket, &link, to, &probe, asks: asks)
    watchWritable()
    if link.takeEvents() || failed { lookupAt = 0 }
  }

  /// A source whose device was not there at the start is there now.
  private mutating func begin(_ found: SourceSearch.Found) {
    let name = found.configuration.name
    do {
      let first = link.nextStream
      try link.add(found.sources.map(\.description))
      let thread = try SourceThread(
        name: name, sources: found.sources, firstStream: first, ringCapacity: configuration.buffers.queueLength,
        pool: pool, wakeup: wakeup, link: figures, log: log)
      try thread.start()
      threads.append(thread)
      link.take(.available, of: name)
    } catch {
      log.error("\(name): \(error)")
    }
  }

  /// What the link carries is shared by the cameras alike.
  private func tellLoad() {
    let cameras = configuration.sources.count { $0.input.kind == .camera }
    figures.target.store(UInt64(max(0, min(link.targetBitrate, 1e15))) / UInt64(max(1, cameras)), ordering: .relaxed)
    figures.waiting.store(UInt64(link.unacknowledgedByteCount), ordering: .relaxed)
  }

  /// Answers whether to stop.
  private mutating func wait(until limit: UInt64) throws -> Bool {
    let next = target != nil ? link.deadline : configuration.collector.address != nil ? lookupAt : .max
    let now = Clocks.monotonic
    let isConnected = link.isConnected
    let transportAt = choice.deadline(isConnected: isConnected, now: now)
    let isWanted = choice.wantsWebSocket(isConnected: isConnected, now: now)
    let startAt = webSocket?.deadline(isWanted: isWanted) ?? .max
    try poller.wait(until: min(next, limit, collector == nil ? .max : sourceCheckAt, transportAt, startAt))
    var isStopping = false
    for index in 0..<poller.count {
      switch poller[index].token {
      case Self.signalToken:
        switch signals.next() {
        case .stop: isStopping = true
        case .reload: link.reload()
        case nil: break
        }
      case Self.statusToken:
        status?.answer { statusText() }
        link.settleSoon()
      default: break
      }
    }
    return isStopping
  }

  /// Looks the collector up, at start and again after each failed attempt: its address may change.
  private mutating func findCollector() {
    guard let address = configuration.collector.address, !link.isConnected, Clocks.monotonic >= lookupAt else { return }
    lookupAt = collector == nil ? Clocks.monotonic + Self.lookupNanoseconds : .max
    do {
      collector = try UDPAddress(host: address.host, port: UInt16(address.port))
      lookupAt = .max
    } catch {
      log.error("\(error); trying again in \(Self.lookupNanoseconds / 1_000_000_000) s")
    }
  }

  /// On another network the session goes on under another name, at once.
  private mutating func noticeMove() {
    let now = Clocks.monotonic
    guard let collector, now >= sourceCheckAt else { return }
    sourceCheckAt = now + Self.sourceCheckNanoseconds
    guard let found = collector.source else { return }
    if let source, (source.high, source.low) != (found.high, found.low) {
      log.notice("this machine has another address: the session goes on from there")
      link.moved()
      choice.moved(now: now)
      webSocket?.reconnect(poller: poller)
    }
    source = found
  }

  /// Where datagrams go now.
  private var target: UDPAddress? { choice.path == .webSocket ? webSocket?.address : collector }

  /// Keeps to the way that works, and looks for a better one. The session goes on from one to the other
  /// as it does between networks.
  private mutating func chooseTransport() {
    guard let webSocket else { return }
    let before = path
    let isNew = webSocket.takeReports(poller: poller)
    let now = Clocks.monotonic
    let isConnected = link.isConnected
    choice.choose(isConnected: isConnected, isWebSocketUp: webSocket.isUp, now: now)
    path = choice.path
    webSocket.tend(
      isWanted: choice.wantsWebSocket(isConnected: isConnected, now: now), agentPort: socket.local.port, poller: poller,
      token: Self.webSocketToken, now: now)
    if path != before { log.notice("going on over \(path == .udp ? "UDP" : "the WebSocket")") }
    if path != before || isNew && path == .webSocket { link.moved() }
  }

  private static func receive(
    _ receiving: inout ReceiveBatch, _ socket: borrowing UDPSocket, _ link: inout DeviceLink,
    _ choice: inout TransportChoice, _ probe: inout UDPProbe, direct: UDPAddress?, tunnel: UDPAddress?
  ) -> Bool {
    let now = MonotonicTime(nanoseconds: Clocks.monotonic)
    let wall = Clocks.wall
    return receiving.receive(from: socket) { datagram, source, ecn in
      if source == direct { choice.heard(on: .udp, now: now.nanoseconds) }
      if source == tunnel { choice.heard(on: .webSocket, now: now.nanoseconds) }
      if source == direct, choice.path == .webSocket, probe.isAnswered(by: datagram, now: now) {
        choice.probeAnswered(now: now.nanoseconds)
      } else {
        link.take(datagram, ECN(bits: ecn), now: now, wall: wall)
      }
    }
  }

  private static func transmit(
    _ sending: inout TransmitSlab, _ socket: borrowing UDPSocket, _ link: inout DeviceLink, _ target: UDPAddress?,
    _ probe: inout UDPProbe, asks collector: UDPAddress?
  ) {
    let now = MonotonicTime(nanoseconds: Clocks.monotonic)
    let wall = Clocks.wall
    var question = collector == nil ? nil : probe.datagram(now: now)
    sending.drain(socket) { buffer in
      if let collector, let bytes = question.take() {
        bytes.withUnsafeBytes { buffer.copyMemory(from: $0) }
        return (bytes.count, collector, ECN.notCapable.rawValue)
      }
      guard let target else { return nil }
      let byteCount = link.transmit(into: buffer, now: now, wall: wall)
      return byteCount == 0 ? nil : (byteCount, target, link.mark.rawValue)
    }
  }

  private mutating func watchWritable() {
    guard sending.isBlocked != sending.isWatched else { return }
    sending.isWatched = sending.isBlocked
    let interest: Poller.Interest = sending.isBlocked ? [.readable, .writable] : .readable
    do { try poller.modify(socket.descriptor, interest, token: Self.socketToken) } catch { log.error("\(error)") }
  }

  private func statusText() -> String {
    var root = JSONObject()
    root.set("program", "stt-agent")
    root.set("uptimeSeconds", Double(Clocks.monotonic - started) / 1e9)
    link.describe(into: &root)
    root.set("transport", choice.path == .webSocket ? "websocket" : "udp")
    webSocket?.describe(into: &root)
    root.set("sendCalls", sending.callCount)
    root.set("datagramsRefused", sending.refusedCount)
    root.set("outputsDropped", threads.reduce(0) { $0 + $1.counters.dropped.load(ordering: .relaxed) })
    root.set("leasesRefused", threads.reduce(0) { $0 + $1.counters.refusedLeases.load(ordering: .relaxed) })
    return root.text + "\n"
  }
}
