import LinuxEvents
import LinuxUDP
public import Logging
public import STTBoard
import STTBuffers
import STTIngest
import STTKeyring
import STTRecorder

extension Collector {
  /// Opens everything a collector needs: state, keys, recordings, sockets.
  public static func open(_ configuration: CollectorConfiguration, log: Logger) throws -> Collector {
    let signals = try SignalDescriptor()
    let state = try StateDirectory(configuration.stateDirectory)
    let devices = try loadPairs(configuration, log)
    let recorder = try Recorder(
      root: configuration.recording.root, settings: settings(configuration.recording),
      keys: try recordingKeys(configuration, devices))
    let address = try UDPAddress(host: configuration.listen.host, port: UInt16(configuration.listen.port))
    let pool = BufferPool(slabs(configuration.limits.memoryByteCount))
    let sockets = try CollectorSockets.open(
      address, wantedThreads: configuration.limits.threadCount(devices: devices.count), pool: pool,
      token: handshakeToken)
    if let warning = sockets.warning { log.warning("\(warning)") }
    let share = sockets.share
    let threads = try ReceiveThreads(share: share, deviceCount: devices.count)
    let channel = try RecorderChannel(
      catalogue: CatalogueKeeper(root: configuration.recording.root, log: log), receivers: threads.wakeups)
    let webSocket = try configuration.webSocket.map { try WebSocketEntrance($0, log: log) }
    func sessions(_ thread: Int) -> Sessions {
      var sessions = Sessions(
        configuration, share: SessionShare(thread: thread, of: share.count, key: share.key), threads: threads,
        devices: devices,
        pool: pool, channel: channel, log: log)
      sessions.recall(recorder.positions)
      return sessions
    }
    let core = try CollectorCore(
      configuration, pairs: devices, counters: try AcceptedCounters(in: state), sessions: sessions(0), log: log)
    var others: [Box<SessionThread>] = []
    for (index, other) in sockets.others.enumerated() {
      guard let socket = other.take() else { continue }
      _ = socket.enlargeBuffers()
      others.append(Box(try SessionThread.open(sessions(index + 1), socket, webSocket: webSocket)))
    }
    let socket = sockets.first
    let lanes = sockets.lanes
    let poller = try Poller()
    try lanes?.watch(poller)
    var status: StatusSocket?
    if let path = configuration.statusSocket { status = try StatusSocket(path: path) }
    try poller.add(socket.socket.descriptor, .readable, token: socketToken)
    try poller.add(threads.wakeups[0].descriptor, .readable, token: wakeupToken)
    try poller.add(signals.descriptor, .readable, token: signalToken)
    let statusDescriptor = status?.descriptor
    if let statusDescriptor { try poller.add(statusDescriptor, .readable, token: statusToken) }
    if let webSocket { try poller.add(webSocket.wakeup.descriptor, .readable, token: webSocketToken) }
    return Collector(
      configuration: configuration, log: log, socket: socket, webSocket: webSocket, channel: channel,
      recorder: recorder, core: core, lanes: lanes, poller: poller, signals: signals, status: status.take(),
      others: others)
  }

  private static func loadPairs(_ configuration: CollectorConfiguration, _ log: Logger) throws -> [KnownDevice] {
    var pairs: [KnownDevice] = []
    for device in configuration.devices {
      let loaded = try PairFile.load(device.pair)
      if let warning = loaded.warning { log.warning("\(warning)") }
      pairs.append(
        KnownDevice(
          loaded: loaded, allowsSeedMode: device.allowSeedMode, identity: device.identity, rotateDays: device.rotateDays))
    }
    if let directory = configuration.pairsDirectory {
      let found = try PairFile.loadAll(in: directory)
      for failure in found.failures { log.error("\(failure)") }
      pairs += found.pairs.map {
        KnownDevice(loaded: $0, allowsSeedMode: configuration.allowSeedMode, identity: configuration.identity)
      }
    }
    guard !pairs.isEmpty else {
      throw CollectorFailure(
        "there is no device to serve: make a pair with `stt seed new NAME` and name it under [[device]] or in `pairs`")
    }
    let names = pairs.map(\.pair.name)
    if let double = names.first(where: { name in names.count { $0 == name } > 1 }) {
      throw CollectorFailure("two pair files name the device \(double); give each device a name of its own")
    }
    return pairs
  }

  /// Memory, split over the sizes messages come in: one part in eight for messages up to 2 KiB that
  /// wait for an earlier one, two for batches and datagrams, five for large messages.
  private static func slabs(_ byteCount: Int) -> [SlabClass] {
    let eighth = max(byteCount / 8, 4 << 20)
    return [
      SlabClass(byteCount: 2048, count: max(64, eighth / 2048)),
      SlabClass(byteCount: 70_000, count: max(32, eighth * 2 / 70_000)),
      SlabClass(byteCount: 262_144, count: max(16, eighth * 2 / 262_144)),
      SlabClass(byteCount: 16 << 20, count: max(1, eighth * 3 / (16 << 20))),
    ]
  }

  private static func settings(_ recording: CollectorConfiguration.Recording) -> RecorderSettings {
    func nanoseconds(_ duration: Duration) -> UInt64 { UInt64(clamping: Int64(duration / .nanoseconds(1))) }
    return RecorderSettings(
      segmentByteCount: UInt64(recording.segmentByteCount), segmentAge: nanoseconds(recording.segmentAge),
      chunkByteCount: recording.chunkByteCount, chunkAge: nanoseconds(recording.chunkAge),
      syncInterval: nanoseconds(recording.syncInterval), compresses: recording.compression == .zstd,
      reserveByteCount: UInt64(recording.reserveByteCount),
      retention: RetentionPolicy(
        age: recording.keep.map(nanoseconds), byteCount: recording.maximumByteCount.map { UInt64($0) },
        deviceByteCount: recording.maximumDeviceByteCount.map { UInt64($0) },
        dropsOldest: recording.whenFull == .dropOldest,
        rules: recording.policies.map { policy in
          RetentionRule(
            purpose: policy.purpose, device: policy.device, age: policy.keep.map(nanoseconds),
            byteCount: policy.maximumByteCount.map { UInt64($0) }, dropsOldest: policy.whenFull.map { $0 == .dropOldest })
        }))
  }
}

extension CollectorConfiguration.Admission {
  /// What a thread's receive buffers and batches may need, several times over.
  private static let memoryPerThread = 32 << 20
  private static let mostUsualThreads = 8

  /// Of what is asked for, or else half the processors: recording, and whatever else runs, want some too.
  func threadCount(devices: Int) -> Int {
    if let receiveThreadCount { return receiveThreadCount }
    return max(1, min(Processor.count / 2, Self.mostUsualThreads, memoryByteCount / Self.memoryPerThread, devices))
  }
}
