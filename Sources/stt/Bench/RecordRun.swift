import Glibc
import LinuxUDP
import STTKeyring
import STTRecorder

/// One stream sent to a real collector that records it, until everything is on its disk.
struct RecordRun {
  var plan: BenchPlan
  var isSealed: Bool
  var sent = BenchFigures()
  var collectorCPUSeconds = 0.0
  var syncs: UInt64 = 0

  struct Unrecorded: Error, CustomStringConvertible {
    let sent: UInt64
    let recorded: UInt64
    var description: String { "of \(sent) messages that were sent, the collector recorded \(recorded)" }
  }

  /// - Parameters:
  ///   - directory: where the collector's recordings are made, and removed afterwards.
  ///   - syncMilliseconds: how long a message may wait for the disk at most.
  static func measure(_ plan: BenchPlan, isSealed: Bool, in directory: String, syncMilliseconds: Int) throws -> RecordRun {
    guard let path = realpath(directory, nil) else { throw RecorderError(doing: "find", path: directory, number: errno) }
    defer { free(path) }
    let root = String(cString: path) + "/stt-bench-recordings"
    let pair = try PairFile.generate(name: "bench")
    var plan = plan
    plan.isDurable = true
    plan.secrets = pair.seed.withUnsafeBytes { [UInt8]($0) } + pair.deviceID + pair.collectorID
    defer { try? BenchFolder.remove(root) }
    let site = try CollectorSite(
      [pair], root: root,
      recording: """
        seal = "\(isSealed ? "sealed" : "none")"
        compression = "none"
        sync_interval = "\(syncMilliseconds)ms"
        """)
    let before = try site.status()
    let sender = try ChildProcess(
      programDirectory() + "/stt", ["bench-end", "send", "--port", "\(site.address.port)"] + plan.arguments)
    guard let sent = sender.readLine().flatMap(BenchFigures.init(line:)), sender.wait() == 0 else {
      throw BenchRun.ChildFailed(which: "sending")
    }
    let after = try site.status()
    let recorded = after.number("messagesRecorded")
    guard recorded == sent.messages, sent.messages > 0, sent.seconds > 0 else {
      throw Unrecorded(sent: sent.messages, recorded: recorded)
    }
    return RecordRun(
      plan: plan, isSealed: isSealed, sent: sent, collectorCPUSeconds: after.cpuSeconds - before.cpuSeconds,
      syncs: after.number("syncs") - before.number("syncs"))
  }

  var megabytesPerSecond: Double { Double(sent.bytes) / 1e6 / sent.seconds }
  var messagesPerSecond: Double { Double(sent.messages) / sent.seconds }
  var megabytesPerSync: Double { Double(sent.bytes) / 1e6 / Double(max(1, syncs)) }
  var agentCPUSecondsPerGigabyte: Double { sent.cpuSeconds / (Double(sent.bytes) / 1e9) }
  var collectorCPUSecondsPerGigabyte: Double { collectorCPUSeconds / (Double(sent.bytes) / 1e9) }
}
