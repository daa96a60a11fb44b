/// Another program of Benchmarks/peers, on loopback.
enum PeerRun {
  struct Failed: Error, CustomStringConvertible {
    let path: String
    let which: String
    var description: String { "the \(which) process of \(path) ended without a result; see Benchmarks/peers/README.md" }
  }

  static func name(_ path: String) -> String { String(path.split(separator: "/").last ?? "peer") }

  /// What its two processes measured together.
  static func measure(_ path: String, _ plan: BenchPlan) throws -> BenchRun {
    let receiver = try ChildProcess(path, ["receive"] + plan.peerArguments)
    guard let port = receiver.readLine().flatMap({ UInt16($0) }) else { throw Failed(path: path, which: "receiving") }
    let sender = try ChildProcess(path, ["send"] + plan.peerArguments + ["--port", "\(port)"])
    guard let sent = sender.readLine().flatMap(BenchFigures.init(line:)), sender.wait() == 0 else {
      throw Failed(path: path, which: "sending")
    }
    guard let received = receiver.readLine().flatMap(BenchFigures.init(line:)), receiver.wait() == 0,
      received.seconds > 0, received.bytes > 0
    else { throw Failed(path: path, which: "receiving") }
    return BenchRun(sent, received)
  }
}
