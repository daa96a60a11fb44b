extension AgentConfiguration {
  /// Reads a configuration, or throws everything that is wrong with it.
  ///
  /// - Parameter needsSources: `false` for whoever has sources of its own.
  public init(_ root: ConfigNode, needsSources: Bool = true) throws(ConfigurationError) {
    let problems = ConfigProblems()
    var top = TableReader(root: root, problems: problems)

    var deviceName: String?
    var identity: PairReference?
    var identityPosition: ConfigPosition?
    if var device = top.subtable("device") {
      if device.table["name"] != nil {
        deviceName = device.name("name", "a name, the same as in the pair file")
      } else {
        _ = device.take("name")
      }
      identityPosition = device.table["identity"]?.position
      if identityPosition != nil {
        identity = device.pair("identity", "Say where the identity made by `stt identity new` is kept.")
      } else {
        _ = device.take("identity")
      }
      device.finish()
    }
    var agent = top.subtable("agent") ?? top.empty("agent")
    let state = agent.absolutePath(
      "state", usual: AgentLimits.stateDirectory, "Name a directory on persistent storage that only this agent uses.")
    let status = agent.socketPath("status_socket", usual: AgentLimits.statusSocket)
    agent.finish()

    let link = Self.link(&top)
    if let identityPosition, link?.mode == .seed {
      problems.add(
        ConfigProblem(
          .conflict, at: identityPosition, path: "device.identity", message: "an identity proves nothing in SEED mode",
          remedy:
            "Write mode = \"hybrid\" under [collector], or remove the identity: whoever holds the seed could speak in its place."
        ))
    }
    let buffers = Self.buffers(&top)
    let sources = Self.sources(&top, problems, areNeeded: needsSources)
    top.finish()
    try problems.check()
    // Nothing is missing once nothing was reported.
    guard let link, let state else { throw ConfigurationError([.internalGap(root.position)]) }
    self.init(
      deviceName: deviceName, identity: identity, stateDirectory: state, statusSocket: status, collector: link,
      buffers: buffers,
      sources: sources)
  }

  private static func link(_ top: inout TableReader) -> CollectorLink? {
    guard var table = top.subtable("collector") else {
      if top.table["collector"] == nil {
        top.missing(
          "collector", "Add a [collector] table with address = \"host:4650\" and pair = \"file:/etc/stt/NAME.pair\".")
      }
      return nil
    }
    let transport: Transport = table.choice("transport", usual: .udp)
    let webSocket = WebSocketLink(&table, transport)
    let isAddressed = transport != .webSocket || table.table["address"] != nil
    if !isAddressed { _ = table.take("address") }
    let address =
      !isAddressed
      ? nil
      : table.address(
        "address", usual: nil,
        "Give the collector as \"host\", \"host:port\" or \"[IPv6 address]:port\"; the port is \(NetworkAddress.usualPort) if none is given."
      )
    let pair = table.pair("pair", "Say where the pair made by `stt seed new` is kept.")
    let mode: HandshakeMode = table.choice("mode", usual: .hybrid)
    let cipher: CipherPreference = table.choice("cipher", usual: .automatic)
    let datagram = table.integer("max_datagram", AgentLimits.maximumDatagram, unit: "bytes")
    table.finish()
    guard let pair, address != nil || !isAddressed else { return nil }
    return CollectorLink(
      address: address, transport: transport, webSocket: webSocket, pair: pair, mode: mode, cipher: cipher,
      maximumDatagramByteCount: datagram)
  }

  private static func buffers(_ top: inout TableReader) -> BufferBudget {
    guard var table = top.subtable("buffers") else {
      return BufferBudget(
        memoryByteCount: AgentLimits.memory.usual, unacknowledgedByteCount: AgentLimits.unacknowledged.usual,
        queueLength: AgentLimits.queueLength.usual)
    }
    let memory = table.size("memory", AgentLimits.memory)
    var inFlight = AgentLimits.unacknowledged
    // The default follows a smaller memory; only a written value can be in conflict with it.
    inFlight.usual = min(inFlight.usual, max(inFlight.minimum, memory / 2))
    let unacknowledged = table.size("unacknowledged", inFlight)
    if let node = table.table["unacknowledged"], unacknowledged > memory {
      table.fail(
        .conflict, "unacknowledged", at: node.position,
        "\(Quantity.text(bytes: unacknowledged)) is more than the memory of \(Quantity.text(bytes: memory))",
        "Unacknowledged messages lie in the same buffers: give at most what buffers.memory gives, or raise that.")
    }
    let queue = table.integer("queue", AgentLimits.queueLength, unit: "outputs")
    table.finish()
    return BufferBudget(memoryByteCount: memory, unacknowledgedByteCount: unacknowledged, queueLength: queue)
  }

  private static func sources(
    _ top: inout TableReader, _ problems: ConfigProblems, areNeeded: Bool
  ) -> [SourceConfiguration] {
    let tables = top.subtables("source", atMost: AgentLimits.sourceCount, because: AgentLimits.sourceCountReason)
    if areNeeded, tables.isEmpty, top.table["source"] == nil {
      top.missing("source", "Add at least one [[source]] with name and type; without one there is nothing to send.")
    }
    var sources: [SourceConfiguration] = []
    var first: [String: ConfigPosition] = [:]
    for table in tables {
      guard let source = SourceConfiguration(table) else { continue }
      let position = table.table["name"]?.position ?? table.position
      if let earlier = first[source.name] {
        problems.add(
          ConfigProblem(
            .conflict, at: position, path: "\(table.path).name",
            message: "\"\(source.name)\" is taken by the source at \(earlier)",
            remedy: "A name is a stream's identity in every recording: give each source its own."))
      } else {
        first[source.name] = position
      }
      sources.append(source)
    }
    return sources
  }
}

extension ConfigProblem {
  /// For the branch that cannot be reached: a required value is absent though nothing was reported.
  static func internalGap(_ position: ConfigPosition) -> ConfigProblem {
    ConfigProblem(
      .missingKey, at: position, path: "", message: "a required value is missing",
      remedy: "Please report this text: the check should have named the key.")
  }
}

extension TableReader {
  /// A Unix socket's path, or `nil` when switched off with an empty text.
  mutating func socketPath(_ key: String, usual: String) -> String? {
    let remedy = "Give a path of at most 107 bytes (the kernel's limit for a Unix socket), or \"\" for no socket."
    if let node = table[key], case .string(let text) = node.value, text.isEmpty {
      _ = take(key)
      return nil
    }
    guard let path = absolutePath(key, usual: usual, remedy) else { return usual }
    if path.utf8.count > 107, let node = table[key] {
      fail(.outOfRange, key, at: node.position, "has \(path.utf8.count) bytes", remedy)
    }
    return path
  }
}
