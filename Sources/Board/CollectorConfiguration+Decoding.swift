extension CollectorConfiguration {
  /// Reads a configuration, or throws everything that is wrong with it.
  public init(_ root: ConfigNode) throws(ConfigurationError) {
    let problems = ConfigProblems()
    var top = TableReader(root: root, problems: problems)
    var table = top.subtable("collector") ?? top.empty("collector")
    let listen = table.address(
      "listen", usual: CollectorLimits.listen,
      "Give \"0.0.0.0:4650\" for every IPv4 address, \"[::]:4650\" for every address, or one of this machine's.")
    let pairs = table.table["pairs"] == nil ? nil : table.absolutePath("pairs", "Name a directory of *.pair files.")
    _ = table.take("pairs")
    let allowSeedMode = table.flag("allow_seed_mode", usual: false)
    let identity = table.identity(usual: .off, allowSeedMode)
    let state = table.absolutePath(
      "state", usual: CollectorLimits.stateDirectory, "Name a directory on persistent storage that only this collector uses."
    )
    let status = table.socketPath("status_socket", usual: CollectorLimits.statusSocket)
    let datagram = table.integer("max_datagram", CollectorLimits.maximumDatagram, unit: "bytes")
    table.finish()

    let devices = Self.devices(&top, identity)
    if table.table["pairs"] == nil, top.table["device"] == nil {
      table.missing(
        "pairs",
        "Give pairs = \"/etc/stt/pairs.d\" or at least one [[device]] with a pair: a collector that knows no device answers nobody."
      )
    }
    let recording = Self.recording(&top)
    let limits = Self.limits(&top)
    let webSocket = WebSocketListener(&top)
    top.finish()
    try problems.check()
    // Nothing is missing once nothing was reported.
    guard let listen, let state, let recording else { throw ConfigurationError([.internalGap(root.position)]) }
    self.init(
      listen: listen, webSocket: webSocket, pairsDirectory: pairs, devices: devices, allowSeedMode: allowSeedMode,
      identity: identity,
      stateDirectory: state,
      statusSocket: status, maximumDatagramByteCount: datagram, recording: recording, limits: limits)
  }

  private static func devices(_ top: inout TableReader, _ usual: IdentityPolicy) -> [Device] {
    var devices: [Device] = []
    let tables = top.subtables("device", atMost: CollectorLimits.deviceCount, because: CollectorLimits.deviceCountReason)
    for var table in tables {
      let pair = table.pair("pair", "Say where the pair made by `stt seed new` is kept.")
      let allow = table.flag("allow_seed_mode", usual: false)
      let identity = table.identity(usual: usual, allow)
      let rotateDays = table.rotateDays(identity, pair)
      table.finish()
      if let pair {
        devices.append(Device(pair: pair, allowSeedMode: allow, identity: identity, rotateDays: rotateDays))
      }
    }
    return devices
  }

  private static func recording(_ top: inout TableReader) -> Recording? {
    guard var table = top.subtable("recording") else {
      if top.table["recording"] == nil {
        top.missing("recording", "Add a [recording] table with root = \"/var/lib/stt/recordings\".")
      }
      return nil
    }
    let root = table.absolutePath("root", "Name the directory recordings go to, such as \"/var/lib/stt/recordings\".")
    let seal: RecordingSeal = table.choice("seal", usual: .sealed)
    let (sealTo, recipients) = table.slots(seal)
    let segment = table.size("segment_size", CollectorLimits.segment)
    let segmentAge = table.duration("segment_age", CollectorLimits.segmentAge)
    let chunk = table.size("chunk_size", CollectorLimits.chunk)
    let chunkAge = table.duration("chunk_age", CollectorLimits.chunkAge)
    if chunk > segment, let node = table.table["chunk_size"] ?? table.table["segment_size"] {
      table.fail(
        .conflict, "chunk_size", at: node.position,
        "\(Quantity.text(bytes: chunk)) is more than a segment's \(Quantity.text(bytes: segment))",
        "A segment is made of chunks: make chunk_size smaller or segment_size larger.")
    }
    let compression: RecordingCompression = table.choice("compression", usual: .zstd)
    let sync = table.duration("sync_interval", CollectorLimits.syncInterval)
    let reserve = table.size("reserve", CollectorLimits.reserve)
    let keep = table.table["keep"].map { _ in table.duration("keep", CollectorLimits.keep) }
    let (most, mostOfDevice) = (table.retained("max_size", segment), table.retained("max_device_size", segment))
    let whenFull: FullDiskPolicy = table.choice("when_full", usual: .stop)
    let policies = policies(&table, segment)
    table.finish()
    guard let root else { return nil }
    return Recording(
      root: root, seal: seal, sealTo: sealTo, recipients: recipients, segmentByteCount: segment, segmentAge: segmentAge,
      chunkByteCount: chunk, chunkAge: chunkAge, compression: compression, syncInterval: sync, reserveByteCount: reserve,
      keep: keep,
      maximumByteCount: most, maximumDeviceByteCount: mostOfDevice, whenFull: whenFull, policies: policies)
  }

  private static func policies(_ table: inout TableReader, _ segment: Int) -> [Policy] {
    var policies: [Policy] = []
    let tables = table.subtables(
      "policy", atMost: CollectorLimits.policyCount, because: "each is held against every folder")
    for var table in tables {
      let purpose = table.name("purpose", "Name the purpose that sources of the agent have (purpose = \"video\")")
      let device = table.table["device"] == nil ? nil : table.name("device", "Name a device as its pair does")
      let keep = table.table["keep"].map { _ in table.duration("keep", CollectorLimits.keep) }
      let most = table.retained("max_size", segment)
      let whenFull: FullDiskPolicy? = table.table["when_full"].map { _ in table.choice("when_full", usual: .stop) }
      if keep == nil, most == nil, whenFull == nil {
        table.fail(
          .missingKey, "keep", at: table.position, "says nothing of how these recordings are kept",
          "Write keep, max_size or when_full.")
      }
      table.finish()
      if let purpose {
        policies.append(Policy(purpose: purpose, device: device, keep: keep, maximumByteCount: most, whenFull: whenFull))
      }
    }
    return policies
  }

  private static func limits(_ top: inout TableReader) -> Admission {
    var table = top.subtable("limits") ?? top.empty("limits")
    let sessions = table.integer("sessions", CollectorLimits.sessions)
    let handshakes = table.integer("handshakes_per_second", CollectorLimits.handshakes)
    let message = table.size("max_message", CollectorLimits.message)
    let memory = table.size("memory", CollectorLimits.memory)
    let threads = table.table["receive_threads"].map { _ in
      table.integer("receive_threads", CollectorLimits.receiveThreads)
    }
    if message > memory, let node = table.table["memory"] ?? table.table["max_message"] {
      table.fail(
        .conflict, "memory", at: node.position,
        "\(Quantity.text(bytes: memory)) cannot hold one message of \(Quantity.text(bytes: message))",
        "Raise memory to several times max_message, or lower max_message.")
    }
    if let threads, let node = table.table["receive_threads"], threads * CollectorLimits.memoryPerReceiveThread > memory {
      table.fail(
        .conflict, "receive_threads", at: node.position,
        "\(Quantity.text(bytes: memory)) of memory is too little for \(threads) threads",
        "Give each thread \(Quantity.text(bytes: CollectorLimits.memoryPerReceiveThread)): raise memory, or lower receive_threads."
      )
    }
    table.finish()
    return Admission(
      sessionCount: sessions, handshakesPerSecond: handshakes, maximumMessageByteCount: message, memoryByteCount: memory,
      receiveThreadCount: threads)
  }
}

extension TableReader {
  /// A limit on what is kept, which has to hold more than the segment being recorded.
  fileprivate mutating func retained(_ key: String, _ segment: Int) -> Int? {
    guard let node = table[key] else { return nil }
    let size = size(key, CollectorLimits.retained)
    if size < segment {
      fail(
        .conflict, key, at: node.position, "is less than a segment's \(Quantity.text(bytes: segment))",
        "Whole segments are removed: make \(key) larger or segment_size smaller.")
    }
    return size
  }

  /// What is asked of a device that may open sessions with the seed alone is nothing.
  fileprivate mutating func identity(usual: IdentityPolicy, _ allowsSeedMode: Bool) -> IdentityPolicy {
    let policy: IdentityPolicy = choice("identity", usual: usual)
    if policy != .off, allowsSeedMode, let node = table["allow_seed_mode"] {
      fail(
        .conflict, "allow_seed_mode", at: table["identity"]?.position ?? node.position,
        "identity = \"\(policy.rawValue)\" proves nothing in SEED mode",
        "Remove allow_seed_mode, or write identity = \"off\" here: whoever holds the seed could speak in the device's place."
      )
    }
    return policy
  }

  /// A seed travels only to a device that proves who it is, out of a file that can be written.
  fileprivate mutating func rotateDays(_ identity: IdentityPolicy, _ pair: PairReference?) -> Int? {
    guard let node = table["rotate_days"] else { return nil }
    let days = integer("rotate_days", CollectorLimits.rotateDays, unit: "days")
    if identity == .off {
      fail(
        .conflict, "rotate_days", at: node.position,
        "identity is \"off\", and a seed is only sent to a device that proves who it is",
        "Write identity = \"pin\" or \"required\", or rotate by hand with `stt seed rotate`.")
    }
    if case .file? = pair { return days }
    if let pair {
      fail(
        .conflict, "rotate_days", at: node.position, "the pair is kept as \(pair), where the collector can't write",
        "Keep it as file:/PATH, or rotate by hand with `stt seed rotate`.")
    }
    return nil
  }

  /// Whose keys open what is sealed. Recipients that are named always do.
  fileprivate mutating func slots(_ seal: RecordingSeal) -> ([RecordingSlot], [String]) {
    let node = table["recipients"] ?? table["seal_to"]
    if seal == .plain, let node {
      fail(
        .conflict, table["recipients"] == nil ? "seal_to" : "recipients", at: node.position,
        "says who may open sealed recordings, and seal = \"none\" seals none",
        "Remove it, or remove seal = \"none\".")
    }
    let slots: [RecordingSlot] = choices("seal_to", usual: [.day, .seed])
    let recipients = texts("recipients")
    if let node = table["recipients"], recipients.count > CollectorLimits.recipientCount {
      fail(
        .invalidValue, "recipients", at: node.position, "names \(recipients.count) keys",
        "Give at most \(CollectorLimits.recipientCount): each adds 2.4 kB to every segment.")
    }
    if let node = table["recipients"], let relative = recipients.first(where: { !$0.hasPrefix("/") }) {
      fail(
        .invalidValue, "recipients", at: node.position, "\"\(shown(relative))\" does not begin with /",
        "Give absolute paths of .pub files that `stt recipient new` made.")
    }
    if let node = table["seal_to"], slots.contains(.recipients), recipients.isEmpty {
      fail(
        .conflict, "seal_to", at: node.position, "\"recipients\" needs at least one",
        "Name their public keys: recipients = [\"/etc/stt/auditor.pub\"].")
    }
    return (slots, recipients)
  }
}
