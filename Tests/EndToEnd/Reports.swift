import FoundationEssentials

/// The JSON that the programs print, as far as tests look at it.
struct CollectorStatus: Decodable {
  struct Device: Decodable {
    var name: String
    var connected: Bool
    var messages: UInt64
  }

  struct WebSocket: Decodable {
    var connections: Int
    var accepted: UInt64
    var overLimit: UInt64
    var refused: UInt64
    var violations: UInt64
    var datagramsReceived: UInt64
  }

  struct Handshakes: Decodable {
    var proofs: UInt64
  }

  var webSocket: WebSocket?
  var handshakes: Handshakes
  var sessions: Int
  var receiveThreads: Int
  var datagramsPassedOn: UInt64
  var messagesRecorded: UInt64
  var segmentsRemoved: UInt64
  var strayDatagrams: UInt64
  var handshakesRejected: UInt64
  var trouble: String?
  var devices: [Device]
}

struct AgentStatus: Decodable {
  struct Stream: Decodable {
    var name: String
    var messages: UInt64
    var delivered: UInt64
    var durable: UInt64
  }

  struct WebSocket: Decodable {
    var connected: Bool
    var connections: UInt64
    var trouble: String?
  }

  var transport: String
  var webSocket: WebSocket?
  var connected: Bool
  var seedEpoch: UInt64?
  var unacknowledgedBytes: UInt64
  var messagesDropped: UInt64
  var messagesMissedAtSources: UInt64
  var streams: [Stream]

  func stream(_ name: String) -> Stream? { streams.first { $0.name == name } }
}

struct Verification: Decodable {
  struct Problem: Decodable { var text: String }

  var verdict: String
  var messages: UInt64
  var accountAgrees: Bool?
  var problems: [Problem]
}

struct Inspection: Decodable {
  struct Field: Decodable {
    var name: String
    var unit: String
  }

  struct Stream: Decodable {
    var name: String
    var schema: String
    var messages: UInt64
    var missing: UInt64
    var fields: [Field]
  }

  struct File: Decodable {
    var path: String
    var verdict: String
    var messages: UInt64
    var streams: [Stream]
  }

  var verdict: String
  var files: [File]

  /// The messages of each stream, over all files.
  var counts: [String: UInt64] {
    var counts: [String: UInt64] = [:]
    for stream in files.flatMap(\.streams) { counts[stream.name, default: 0] += stream.messages }
    return counts
  }
}

func decode<Report: Decodable>(_ type: Report.Type, _ text: String) throws -> Report {
  try JSONDecoder().decode(type, from: Data(text.utf8))
}
