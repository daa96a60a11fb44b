@testable import STTBoard
import Testing

@Suite struct TransportTests {
  @Test(arguments: [
    ("wss://collector.example/stt", "collector.example", 443, "/stt", true),
    ("ws://collector.example", "collector.example", 80, "/", false),
    ("wss://192.0.2.1:8443/a/b?c=d", "192.0.2.1", 8443, "/a/b?c=d", true),
    ("ws://[2001:db8::1]/stt", "2001:db8::1", 80, "/stt", false),
    ("ws://[2001:db8::1]:4650?x", "2001:db8::1", 4650, "/?x", false),
  ])
  func urlsOfWebSocketsAreRead(text: String, host: String, port: UInt16, path: String, isSecure: Bool) throws {
    let url = try #require(WebSocketURL(parsing: text))
    #expect(url.host == host && url.port == port && url.path == path && url.isSecure == isSecure)
    #expect(WebSocketURL(parsing: url.description) == url)
  }

  @Test(arguments: [
    "", "wss://", "wss:///stt", "https://collector.example/stt", "collector.example", "ws://a b/", "ws://a/b c",
    "ws://a/\u{e9}", "ws://a:0/", "ws://a:65536/", "ws://user@a/", "ws://a/#b", "ws://::1/", "WSS://a/\r\nX: y",
  ])
  func otherTextsAreNoURLs(text: String) { #expect(WebSocketURL(parsing: text) == nil) }

  private func link(_ more: [(String, ConfigNode.Value)]) -> ConfigNode {
    let source = table([("name", .string("a")), ("type", .string("system"))])
    return root([
      ("collector", table([("pair", .string("file:/etc/stt/a.pair"))] + more)), ("source", array([source])),
    ])
  }

  @Test func aWebSocketAloneNeedsNoAddress() throws {
    let made = try AgentConfiguration(
      link([("transport", .string("websocket")), ("websocket", .string("wss://a/stt"))]))
    #expect(made.collector.address == nil)
    #expect(made.collector.webSocket?.udpRetry == .seconds(300))
    #expect(made.collector.place == "wss://a/stt")
  }

  @Test func whatIsMissingOrWithoutMeaningIsNamed() {
    func paths(_ more: [(String, ConfigNode.Value)]) -> [String] { agentProblems(link(more)).map(\.path) }
    let address = ("address", ConfigNode.Value.string("a"))
    let url = ("websocket", ConfigNode.Value.string("ws://a/stt"))
    #expect(paths([address, ("transport", .string("auto"))]) == ["collector.websocket"])
    #expect(paths([("transport", .string("auto")), url]) == ["collector.address"])
    #expect(paths([address, url]) == ["collector.websocket"])
    #expect(paths([address, ("udp_retry", .string("1 s"))]) == ["collector.udp_retry"])
    #expect(
      paths([("transport", .string("websocket")), url, ("websocket_ca", .string("/a"))]) == ["collector.websocket_ca"])
    #expect(paths([("transport", .string("websocket")), ("websocket", .string("http://a"))]) == ["collector.websocket"])
  }

  private func listener(_ keys: [(String, ConfigNode.Value)]) -> ConfigNode {
    root([
      ("collector", table([("pairs", .string("/p"))])),
      ("recording", table([("root", .string("/r")), ("seal", .string("none"))])), ("websocket", table(keys)),
    ])
  }

  @Test func aListenerGetsEveryDefault() throws {
    let made = try #require(try CollectorConfiguration(listener([("listen", .string("127.0.0.1:8443"))])).webSocket)
    #expect(made.listen == NetworkAddress(host: "127.0.0.1", port: 8443))
    #expect(made.path == "/stt" && made.certificate == nil && !made.isBehindProxy)
    #expect(made.connectionCount == 1024 && made.connectionsPerAddress == 64)
    #expect(made.handshakeTimeout == .seconds(10) && made.idleTimeout == .seconds(60))
  }

  @Test func certificateAndKeyBelongTogether() throws {
    let listen = ("listen", ConfigNode.Value.string("0.0.0.0:443"))
    let certificate = ("certificate", ConfigNode.Value.string("/c"))
    let key = ("key", ConfigNode.Value.string("/k"))
    #expect(collectorProblems(listener([listen, certificate])).map(\.path) == ["websocket.certificate"])
    #expect(collectorProblems(listener([listen, key])).map(\.path) == ["websocket.key"])
    let made = try CollectorConfiguration(listener([listen, certificate, key]))
    #expect(made.webSocket?.certificate == .init(chain: "/c", key: "/k"))
    #expect(collectorProblems(listener([])).map(\.path) == ["websocket.listen"])
    #expect(collectorProblems(listener([listen, ("path", .string("/a?b"))])).map(\.path) == ["websocket.path"])
  }
}
