/// What a module may import (docs/architecture.md): the arrows point from composition and edges to
/// core, and never back.
enum Modules {
  /// Core modules and the modules each may see. They have no input or output, clocks, threads or
  /// randomness, so nothing of the system's libraries is among them.
  static let core: [String: (folder: String, sees: Set<String>)] = [
    "STTChecksum": ("Sources/Checksum", []),
    "STTBuffers": ("Sources/Buffers", []),
    "STTWire": ("Sources/Wire", ["STTChecksum"]),
    "STTFEC": ("Sources/FEC", []),
    "STC": ("Sources/Crypto", ["STTWire", "CSealing", "Crypto", "CryptoExtras"]),
    "STTSession": ("Sources/Session", ["STTBuffers", "STTWire", "STTFEC", "STC"]),
    "STTSample": ("Sources/Sample", ["STTBuffers"]),
    "STTRecord": ("Sources/Record", ["STTChecksum", "STTBuffers", "STTSample"]),
    "STTBoard": ("Sources/Board", []),
    "STTJSON": ("Sources/JSON", []),
    "STTIngest": ("collector/Ingest", ["STTBuffers", "STTWire", "STC", "STTSession"]),
  ]

  /// Edges: one facility of the system each. They see core and C, and not each other.
  static let edges: [String: String] = [
    "LinuxEvents": "Sources/LinuxEvents",
    "LinuxProcess": "Sources/LinuxProcess",
    "LinuxUDP": "Sources/LinuxUDP",
    "LinuxFile": "Sources/LinuxFile",
    "LinuxGPIO": "Sources/LinuxGPIO",
    "LinuxIIO": "Sources/LinuxIIO",
    "LinuxModbus": "Sources/LinuxModbus",
    "LinuxVideo": "Sources/LinuxVideo",
    "STTConfig": "Sources/Config",
    "STTKeyring": "Sources/Keyring",
    "STTRecorder": "collector/Recorder",
    "STTCatalogue": "collector/Catalogue",
    "STTWebSocketServer": "collector/WebSocket",
    "STTFoxglove": "Sources/Foxglove",
  ]

  /// What both ends of a WebSocket connection share; none of the agent's.
  static let webSocket = "Sources/WebSocket"

  /// The agent's end of it, a program of its own so that the agent has neither TLS nor HTTP in it.
  static let companion = "Sources/stt-websocket"

  private static let nio: Set<String> = ["NIOCore", "NIOHTTP1", "NIOPosix", "NIOSSL", "NIOWebSocket"]

  /// What joins them. The agent's sees nothing of the collector.
  static let compositions: [String: String] = [
    "STTAgentRuntime": "Sources/AgentRuntime",
    "STTCollectorRuntime": "collector/Runtime",
    "STTImpairment": "Sources/Impairment",
  ]

  static let executables: [String: String] = [
    "stt": "Sources/stt", "stt-agent": "Sources/stt-agent", "stt-collector": "collector/stt-collector",
  ]

  /// C targets: they have no Swift in them.
  static let c: [String: String] = [
    "CLinux": "Sources/CLinux", "CSealing": "Sources/CSealing", "CZstd": "Sources/CZstd", "CLz4": "Sources/CLz4",
    "CQRencode": "Sources/CQRencode", "CAllocations": "Sources/CAllocations", "CGPIO": "Sources/CGPIO",
    "CDeflate": "Sources/CDeflate", "CModbus": "Sources/CModbus", "CMatroska": "Sources/CMatroska",
  ]

  /// Standard library modules without input or output, and swift-collections.
  static let everywhere: Set<String> = [
    "Synchronization", "DequeModule", "BasicContainers", "ContainersPreview", "HashTreeCollections", "OrderedCollections",
    "HeapModule", "BitCollections",
  ]

  /// What the edges may see of the system.
  static let system: Set<String> = [
    "Glibc", "FoundationEssentials", "CLinux", "CGPIO", "CModbus", "CZstd", "CLz4", "CDeflate",
  ]

  private static var coreNames: Set<String> { Set(core.keys) }
  private static var edgeNames: Set<String> { Set(edges.keys) }

  /// The names a file in `folder` may import, or `nil` for a folder nobody gave a place.
  static func allowed(in folder: String) -> Set<String>? {
    if let (_, module) = core.first(where: { $1.folder == folder }) { return module.sees.union(everywhere) }
    if folder == edges["STTConfig"] { return coreNames.union(system).union(everywhere).union(["TOMLKit"]) }
    if folder == webSocket { return system.union(everywhere).union(nio) }
    if folder == companion {
      return nio.union(system).union(everywhere).union(["STTBoard", "STTWebSocket", "ArgumentParser"])
    }
    if folder == edges["STTWebSocketServer"] {
      return coreNames.union(system).union(everywhere).union(nio).union(["STTWebSocket"])
    }
    if folder == edges["STTCatalogue"] { return coreNames.union(system).union(everywhere).union(["GRDB"]) }
    if folder == edges["STTFoxglove"] {
      return coreNames.union(system).union(everywhere).union(nio.subtracting(["NIOSSL"]))
    }
    if edges.values.contains(folder) { return coreNames.union(system).union(everywhere) }
    if folder == compositions["STTAgentRuntime"] {
      return coreNames.subtracting(["STTIngest"]).union(edgeNames).subtracting([
        "STTCatalogue", "STTFoxglove", "STTRecorder", "STTWebSocketServer",
      ]).union(
        system
      ).union(
        everywhere
      )
      .union(["Logging"])
    }
    if folder == compositions["STTCollectorRuntime"] {
      return coreNames.union(edgeNames).union(system).union(everywhere)
        .union(["Logging", "Metrics", "ServiceLifecycle"])
    }
    if folder == compositions["STTImpairment"] { return system.union(everywhere).union(["LinuxEvents", "LinuxUDP"]) }
    if executables.values.contains(folder) {
      var names = coreNames.union(edgeNames).union(system).union(everywhere).union([
        "ArgumentParser", "Logging", "CQRencode", "CAllocations", "CMatroska",
      ])
      // Only the collector has a WebSocket server in it: NIO and a second BoringSSL.
      if folder != executables["stt-collector"] { names.remove("STTWebSocketServer") }
      if folder != executables["stt"] { names.remove("STTFoxglove") }
      if folder != executables["stt-collector"] { names.insert("STTAgentRuntime") }
      if folder == executables["stt-collector"] { names.insert("STTCollectorRuntime") }
      if folder == executables["stt"] { names.insert("STTImpairment") }
      return names
    }
    if c.values.contains(folder) { return [] }
    return nil
  }

  /// The module folder that a path lies in: its first two parts.
  static func folder(of path: String) -> String { path.split(separator: "/").prefix(2).joined(separator: "/") }
}
