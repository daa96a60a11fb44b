extension AgentConfiguration.WebSocketLink {
  /// Reads the transport's keys of `[collector]`.
  init?(_ table: inout TableReader, _ transport: Transport) {
    let remedy =
      "Give the collector's WebSocket as \"wss://host/path\"; \"ws://\" has no TLS, which STT does not need but some networks want."
    let url = Self.url(&table, remedy)
    let authorities =
      table.table["websocket_ca"] == nil
      ? nil : table.absolutePath("websocket_ca", "Name a PEM file of the authorities to trust instead of the system's.")
    _ = table.take("websocket_ca")
    let retry = table.duration("udp_retry", TransportLimits.udpRetry)
    guard transport != .udp else {
      for key in ["websocket", "websocket_ca", "udp_retry"] {
        guard let node = table.table[key] else { continue }
        table.fail(
          .conflict, key, at: node.position, "has no meaning with transport = \"udp\"",
          "Write transport = \"auto\" or \"websocket\", or remove this key.")
      }
      return nil
    }
    if table.table["websocket"] == nil { table.missing("websocket", "\(remedy) transport needs it.") }
    guard let url else { return nil }
    if !url.isSecure, let node = table.table["websocket_ca"] {
      table.fail(
        .conflict, "websocket_ca", at: node.position, "has no meaning for a URL without TLS",
        "Write websocket = \"wss://…\", or remove this key.")
    }
    self.init(url: url, authorities: authorities, udpRetry: retry)
  }

  private static func url(_ table: inout TableReader, _ remedy: String) -> WebSocketURL? {
    guard let (text, position) = table.text("websocket", remedy) else { return nil }
    if let url = WebSocketURL(parsing: text) { return url }
    table.fail(.invalidValue, "websocket", at: position, "\"\(shown(text))\" is no URL of a WebSocket", remedy)
    return nil
  }
}

extension CollectorConfiguration.WebSocketListener {
  /// Reads `[websocket]`.
  init?(_ top: inout TableReader) {
    guard var table = top.subtable("websocket") else { return nil }
    let listen = table.address(
      "listen", usual: nil,
      "Give an address and a TCP port, such as \"127.0.0.1:8443\" behind a proxy or \"0.0.0.0:443\" with a certificate.")
    let path = Self.path(&table)
    let certificate = Self.certificate(&table)
    let isBehindProxy = table.flag("behind_proxy", usual: false)
    let connections = table.integer("connections", TransportLimits.connections)
    var perAddress = TransportLimits.perAddress
    perAddress.usual = min(perAddress.usual, connections)
    let perHost = table.integer("connections_per_address", perAddress)
    let handshake = table.duration("handshake_timeout", TransportLimits.handshake)
    let idle = table.duration("idle_timeout", TransportLimits.idle)
    table.finish()
    guard let listen else { return nil }
    self.init(
      listen: listen, path: path, certificate: certificate, isBehindProxy: isBehindProxy, connectionCount: connections,
      connectionsPerAddress: perHost, handshakeTimeout: handshake, idleTimeout: idle)
  }

  private static func path(_ table: inout TableReader) -> String {
    let remedy = "Give what stands after the host in the agents' URL, such as \"/stt\", without a query."
    guard let (text, position) = table.text("path", remedy) else { return TransportLimits.path }
    if isRequestTarget(text), !text.contains("?") { return text }
    table.fail(.invalidValue, "path", at: position, "\"\(shown(text))\" is no path of a URL", remedy)
    return TransportLimits.path
  }

  private static func certificate(_ table: inout TableReader) -> Certificate? {
    let remedy = "Give certificate and key together, both paths of PEM files, or neither where a proxy does TLS."
    let chain = table.table["certificate"] == nil ? nil : table.absolutePath("certificate", remedy)
    let key = table.table["key"] == nil ? nil : table.absolutePath("key", remedy)
    _ = (table.take("certificate"), table.take("key"))
    if let node = table.table["certificate"], table.table["key"] == nil {
      table.fail(.conflict, "certificate", at: node.position, "has no key beside it", remedy)
    } else if let node = table.table["key"], table.table["certificate"] == nil {
      table.fail(.conflict, "key", at: node.position, "has no certificate beside it", remedy)
    }
    guard let chain, let key else { return nil }
    return Certificate(chain: chain, key: key)
  }
}
