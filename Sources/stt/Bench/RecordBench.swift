import ArgumentParser
import STC
import STTJSON
import STTSession

struct RecordBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "record",
    abstract: "Measures what a collector records, sealed and plain, beside its disk and the link alone.",
    discussion: """
      A process sends messages of a durable stream to a real stt-collector, which records them in --directory: what counts is \
      what the collector has synced and acknowledged. Beside it, in the same run and on the same disk: one plain file written \
      in blocks of 1 MiB and synced every 64 MiB, and the same messages sent to a collector's endpoint that lets them go. \
      The lower of the two is the ceiling. Nothing is compressed. The agent's end keeps up to 256 MiB until they are synced.

      Exit codes: 0 measured; 1 a run failed, or the collector did not record what was sent.
      """)

  @Option(help: ArgumentHelp("Where to record; a directory on the disk to be measured.", valueName: "directory"))
  var directory = "."
  @Option(
    parsing: .upToNextOption, help: ArgumentHelp("Bytes of each message, one measurement each.", valueName: "bytes"))
  var message = [65_536, 64]
  @Option(help: ArgumentHelp("Bytes of UDP payload.", valueName: "bytes")) var datagram = 1400
  @Option(help: ArgumentHelp("Length of each run.", valueName: "seconds")) var seconds = 3
  @Option(help: ArgumentHelp("How long a message waits for the disk at most.", valueName: "milliseconds")) var sync = 50
  @Option(help: "aes-256-gcm, chacha20-poly1305, or auto for what this processor is best at.") var cipher = BenchCipher.auto
  @Option(help: "text or json (one object).") var format = OutputFormat.text

  func validate() throws {
    for bytes in message where !(16...1_000_000).contains(bytes) { throw ValidationError("--message is from 16 to 1000000") }
    guard (1200...65_507).contains(datagram) else { throw ValidationError("--datagram is from 1200 to 65507") }
    guard (2...600).contains(seconds) else { throw ValidationError("--seconds is from 2 to 600") }
    guard (1...60_000).contains(sync) else { throw ValidationError("--sync is from 1 to 60000") }
  }

  /// Messages of one size, recorded, and what the link alone carries of them.
  private struct Size {
    var link: BenchRun
    var recorded: [RecordRun] = []
  }

  func run() throws {
    do {
      var disk: [DiskCeiling] = []
      let sizes = try BenchProgress.during(Double(message.count * 4 + 2) * (Double(seconds) + 0.5)) { progress in
        func measureDisk() throws {
          progress.step("plain writing to the disk")
          disk.append(try DiskCeiling.measure(seconds: (seconds + 1) / 2, path: "\(directory)/stt-bench-disk"))
        }
        try measureDisk()
        return try message.map { bytes in
          var random = SystemRandomNumberGenerator()
          let plan = BenchPlan(
            messageByteCount: bytes, datagramByteCount: datagram, seconds: seconds, suite: cipher.suite,
            secrets: random.bytes(96))
          progress.step("\(bytes)-byte messages, the link alone")
          var size = Size(link: try BenchRun.measure(plan, raw: false))
          for isSealed in [false, true] {
            progress.step("\(bytes)-byte messages recorded, \(isSealed ? "sealed" : "plain")")
            size.recorded.append(
              try RecordRun.measure(
                plan, isSealed: isSealed, in: directory, syncMilliseconds: sync))
            try measureDisk()
          }
          return size
        }
      }
      // Disks are moody: the middle of what they took between the runs.
      report(sizes, disk: disk.sorted { $0.megabytesPerSecond < $1.megabytesPerSecond }[disk.count / 2])
    } catch {
      print("\(error)")
      throw ExitCode(1)
    }
  }

  private func report(_ sizes: [Size], disk: DiskCeiling) {
    if format == .json {
      var root = JSONObject()
      root.set("diskMegabytesPerSecond", disk.megabytesPerSecond)
      root.set("diskCPUSecondsPerGigabyte", disk.cpuSecondsPerGigabyte)
      root.set("datagramBytes", datagram)
      root.set("syncMilliseconds", sync)
      root.set("cipher", cipher.name)
      root.set("runs", sizes.flatMap { size in size.recorded.map { json($0, size.link, disk) } })
      output(root.text + "\n")
      return
    }
    output(
      "  the disk: \(rounded(disk.megabytesPerSecond, 0)) MB/s of one plain file, synced every 64 MiB, for \(rounded(disk.cpuSecondsPerGigabyte, 2)) CPU s/GB\n"
    )
    output(
      "  \(column("", 20))\(column("recorded", 12, right: true))\(column("the link", 12, right: true))"
        + "\(column("of the lower", 14, right: true))\(column("messages/s", 12, right: true))"
        + "\(column("a sync", 10, right: true))\(column("agent", 10, right: true))\(column("collector", 12, right: true))\n")
    for size in sizes {
      for run in size.recorded {
        let share = run.megabytesPerSecond / min(disk.megabytesPerSecond, size.link.megabytesPerSecond) * 100
        let cells = [
          (rounded(run.megabytesPerSecond, 0) + " MB/s", 12), (rounded(size.link.megabytesPerSecond, 0) + " MB/s", 12),
          (rounded(share, 1) + " %", 14), (rounded(run.messagesPerSecond, 0), 12),
          (rounded(run.megabytesPerSync, 0) + " MB", 10), (rounded(run.agentCPUSecondsPerGigabyte, 2) + " s/GB", 10),
          (rounded(run.collectorCPUSecondsPerGigabyte, 2) + " s/GB", 12),
        ]
        output(
          "  \(column("\(run.plan.messageByteCount) B, \(run.isSealed ? "sealed" : "plain")", 20))"
            + cells.map { column($0.0, $0.1, right: true) }.joined() + "\n")
      }
    }
  }

  private func json(_ run: RecordRun, _ link: BenchRun, _ disk: DiskCeiling) -> JSONObject {
    var root = JSONObject()
    root.set("messageBytes", run.plan.messageByteCount)
    root.set("sealed", run.isSealed)
    root.set("recordedMegabytesPerSecond", run.megabytesPerSecond)
    root.set("linkMegabytesPerSecond", link.megabytesPerSecond)
    root.set("shareOfLowerPercent", run.megabytesPerSecond / min(disk.megabytesPerSecond, link.megabytesPerSecond) * 100)
    root.set("recordedMessages", run.sent.messages)
    root.set("recordedMessagesPerSecond", run.messagesPerSecond)
    root.set("megabytesPerSync", run.megabytesPerSync)
    root.set("agentCPUSecondsPerGigabyte", run.agentCPUSecondsPerGigabyte)
    root.set("collectorCPUSecondsPerGigabyte", run.collectorCPUSecondsPerGigabyte)
    return root
  }
}
