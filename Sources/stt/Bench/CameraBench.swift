import ArgumentParser
import STC
import STTJSON
import STTSession

struct CameraBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "camera",
    abstract: "Measures frames as large as cameras make them: their age on arrival, their cost, how many there could be.",
    discussion: """
      Frames go through a real session between two processes on loopback, at the camera's pace and then as fast as they are \
      taken. A frame's age is the time from its being due to its being whole at the collector's sink. The ceiling is the \
      same cipher calls on the same sockets with nothing between; no frame is younger than it takes to pass there.

      Exit codes: 0 measured; 1 a run failed.
      """)

  @Option(parsing: .upToNextOption, help: "Formats: mjpeg, yuyv, nv12, h264; all of them if none is named.")
  var camera: [CameraFormat.Kind] = []
  @Option(help: ArgumentHelp("Bytes of UDP payload.", valueName: "bytes")) var datagram = 1400
  @Option(help: ArgumentHelp("Length of each run at full speed; at the pace, three more.", valueName: "seconds"))
  var seconds = 2
  @Option(help: "aes-256-gcm, chacha20-poly1305, or auto for what this processor is best at.") var cipher = BenchCipher.auto
  @Option(help: "text or json (one object).") var format = OutputFormat.text

  func validate() throws {
    guard (1200...65_507).contains(datagram) else { throw ValidationError("--datagram is from 1200 to 65507") }
    guard (2...600).contains(seconds) else { throw ValidationError("--seconds is from 2 to 600") }
  }

  private struct Measured {
    var camera: CameraFormat
    var paced: BenchRun
    var fast: BenchRun
    var ceiling: BenchRun

    /// Frames a second that fit through the ceiling.
    var ceilingFrames: Double { ceiling.megabytesPerSecond * 1e6 / Double(camera.mean) }
    /// Microseconds of a frame of the middling size at the ceiling's rate.
    var ceilingAge: Double { 1e6 / ceilingFrames }
    /// Percent of one core at the camera's pace.
    var senderCPU: Double { paced.sent.cpuSeconds / paced.sent.seconds * 100 }
    var receiverCPU: Double { paced.received.cpuSeconds / paced.received.seconds * 100 }
  }

  func run() throws {
    do {
      let cameras = CameraFormat.all.filter { camera.isEmpty || camera.contains($0.kind) }
      let measured = try BenchProgress.during(Double(cameras.count) * (Double(3 * seconds + 3) + 0.5)) { progress in
        try cameras.map { try measure($0, progress) }
      }
      report(measured)
    } catch {
      print("\(error)")
      throw ExitCode(1)
    }
  }

  private func measure(_ camera: CameraFormat, _ progress: BenchProgress) throws -> Measured {
    var random = SystemRandomNumberGenerator()
    var plan = BenchPlan(
      messageByteCount: camera.largest, datagramByteCount: datagram, seconds: seconds, suite: cipher.suite,
      secrets: random.bytes(96))
    plan.byteCounts = camera.byteCounts
    progress.step("\(camera.name), as fast as they are taken")
    let fast = try BenchRun.measure(plan, raw: false)
    progress.step("\(camera.name), the ceiling")
    let ceiling = try BenchRun.measure(plan, raw: true)
    progress.step("\(camera.name), \(camera.framesPerSecond) a second")
    plan.seconds = seconds + 3
    plan.paceBitsPerSecond = UInt64(camera.framesPerSecond * camera.largest * 8)
    plan.measuresAges = true
    let paced = try BenchRun.measure(plan, raw: false)
    return Measured(camera: camera, paced: paced, fast: fast, ceiling: ceiling)
  }

  private func report(_ measured: [Measured]) {
    if format == .json {
      var root = JSONObject()
      root.set("datagramBytes", datagram)
      root.set("cipher", cipher.name)
      root.set("cameras", measured.map(json))
      output(root.text + "\n")
      return
    }
    let widths = [18, 12, 10, 10, 12, 12, 12, 12]
    func row(_ cells: [String]) {
      output(
        "  " + cells.indices.map { column(cells[$0], widths[$0], right: $0 > 0) }.joined() + "\n")
    }
    row(["at its pace", "MB/s", "age, p50", "p99", "ceiling", "CPU, agent", "collector", ""])
    for it in measured {
      row([
        it.camera.name, rounded(it.paced.megabytesPerSecond, 1), rounded(Double(it.paced.ages.half) / 1000, 2) + " ms",
        rounded(Double(it.paced.ages.most) / 1000, 2) + " ms", rounded(it.ceilingAge / 1000, 2) + " ms",
        rounded(it.senderCPU, 1) + " %", rounded(it.receiverCPU, 1) + " %",
        it.paced.messagesLost == 0 ? "" : "\(it.paced.messagesLost) lost",
      ])
    }
    output("\n")
    row(["at full speed", "frames/s", "MB/s", "", "ceiling", "share", "CPU s/GB", ""])
    for it in measured {
      row([
        it.camera.name, rounded(it.fast.messagesPerSecond, 0), rounded(it.fast.megabytesPerSecond, 0), "",
        rounded(it.ceilingFrames, 0) + " /s", rounded(it.fast.messagesPerSecond / it.ceilingFrames * 100, 1) + " %",
        rounded(it.fast.cpuSecondsPerGigabyte, 2), "",
      ])
    }
  }

  private func json(_ it: Measured) -> JSONObject {
    var root = JSONObject()
    root.set("name", it.camera.name)
    root.set("framesPerSecond", it.camera.framesPerSecond)
    root.set("meanFrameBytes", it.camera.mean)
    root.set("largestFrameBytes", it.camera.largest)
    root.set("p50Microseconds", it.paced.ages.half)
    root.set("p99Microseconds", it.paced.ages.most)
    root.set("ceilingFrameMicroseconds", it.ceilingAge)
    root.set("agentCPUPercent", it.senderCPU)
    root.set("collectorCPUPercent", it.receiverCPU)
    root.set("lostFrames", it.paced.messagesLost)
    root.set("fullSpeedFramesPerSecond", it.fast.messagesPerSecond)
    root.set("fullSpeedMegabytesPerSecond", it.fast.megabytesPerSecond)
    root.set("ceilingFramesPerSecond", it.ceilingFrames)
    root.set("shareOfCeilingPercent", it.fast.messagesPerSecond / it.ceilingFrames * 100)
    root.set("fullSpeedCPUSecondsPerGigabyte", it.fast.cpuSecondsPerGigabyte)
    return root
  }
}
