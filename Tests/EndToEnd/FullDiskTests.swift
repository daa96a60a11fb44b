import Glibc
import Testing

extension EndToEnd {
  @Suite(.serialized) struct FullDisk {
    /// A small file system in memory, in a mount namespace of its own: no other program sees it, and it is gone with
    /// the program that holds the namespace, however these tests end.
    final class SmallDisk: Sendable {
      /// A link to it, from outside of its namespace.
      let path: String
      private let holder: Program

      init(at path: String, byteCount: Int) async throws {
        let script = "mkdir \"$0\" && mount -t tmpfs -o size=$1,mode=700 tmpfs \"$0\" && echo mounted && exec sleep 600"
        let rights = geteuid() == 0 ? [] : ["--user", "--map-root-user"]
        let inside = "\(path).mounted"
        let program = try Program(
          "/usr/bin/unshare",
          rights + ["--mount", "--propagation", "private", "/bin/sh", "-c", script, inside, "\(byteCount)"], log: inside)
        try await eventually("a tmpfs is mounted") {
          program.standardOutput == "mounted\n" || program.exitCode != nil
        }
        guard program.exitCode == nil else { throw Files.Trouble(path: inside, number: EPERM) }
        self.path = path
        holder = program
        guard symlink("/proc/\(holder.identifier)/root\(inside)", path) == 0 else {
          throw Files.Trouble(path: path, number: errno)
        }
      }

      /// Whether a namespace with a mount may be made, found out by trying.
      @Sendable static func isPermitted() async -> Bool {
        guard let directory = try? TemporaryDirectory() else { return false }
        return await (try? SmallDisk(at: "\(directory.path)/disk", byteCount: 1 << 20)) != nil
      }
    }

    @Test(.enabled("needs the right to mount a small tmpfs in a namespace of its own", SmallDisk.isPermitted))
    func aFullDiskHaltsRecordingAndLosesNothing() async throws {
      let site = try await Site()
      let disk = try await SmallDisk(at: site.recordings, byteCount: 8 << 20)
      let ballast = "\(disk.path)/ballast"
      try Files.write(ballast, [UInt8](repeating: 0xA5, count: 6 << 20))
      let collector = try await site.startCollector(
        CollectorSettings(recording: "reserve = \"0 B\"\nchunk_size = \"64 KiB\""))
      // Pseudo-random, so 4 MiB on the disk too: twice what is left.
      let agent = try await site.startAgent(
        AgentSettings(sources: [Source.pattern(rate: 1000, count: 4000, size: 1000), Source.system]))

      try await eventually("the disk is full and the collector says so\n\(collector.standardError)") {
        try site.collectorStatus().trouble != nil
      }
      let trouble = try #require(try site.collectorStatus().trouble)
      #expect(trouble.contains(site.recordings) && trouble.contains("No space left"), "\(trouble)")
      try await eventually("the agent has made everything") { try site.agentStatus().stream("pattern")?.messages == 4000 }
      let held = try site.agentStatus()
      #expect(held.connected)
      #expect(held.messagesDropped == 0)
      #expect(held.stream("pattern").map { $0.durable < 4000 } == true, "it claims to have recorded more than fits")
      #expect(collector.exitCode == nil)

      // Whatever was promised is in the file, though the disk was full.
      let promised = try #require(held.stream("pattern")?.durable)
      #expect(try await site.inspect().counts["pattern", default: 0] >= promised)

      #expect(unlink(ballast) == 0)
      try await site.recorded("pattern", 4000)
      #expect(try site.collectorStatus().trouble == nil)
      #expect(collector.standardError.contains("recording is halted"), "\(collector.standardError)")
      #expect(collector.standardError.contains("recording goes on"), "\(collector.standardError)")
      try await site.stop(agent: agent, collector: collector)
      try await site.expectRecordingAgrees()
      #expect(try await site.inspect().counts["pattern"] == 4000)
      withExtendedLifetime(disk) {}
    }

    @Test(.enabled("needs the right to mount a small tmpfs in a namespace of its own", SmallDisk.isPermitted))
    func oldSegmentsMakeRoomWhereThatIsAskedFor() async throws {
      let site = try await Site()
      let disk = try await SmallDisk(at: site.recordings, byteCount: 4 << 20)
      let collector = try await site.startCollector(
        CollectorSettings(
          seal: "sealed",
          recording: "reserve = \"0 B\"\nchunk_size = \"64 KiB\"\nsegment_size = \"1 MiB\"\nwhen_full = \"drop-oldest\""))
      let agent = try await site.startAgent(
        AgentSettings(sources: [Source.pattern(rate: 2000, count: 6000, size: 1000)]))
      try await site.recorded("pattern", 6000)
      let status = try site.collectorStatus()
      #expect(status.trouble == nil && status.segmentsRemoved > 1, "\(status)")
      try await site.stop(agent: agent, collector: collector)
      #expect(collector.standardError.contains("the disk is full"), "\(collector.standardError)")
      let keys = ["--keys", "\(site.path)/collector-state/keys"]
      let verified = try await site.stt(["verify", site.recordings, "--anchor", "\(site.path)/agent-state"] + keys)
      #expect(verified.code == 0 && verified.output.contains("the collector signed that"), "\(verified)")
      withExtendedLifetime(disk) {}
    }

    /// Killed while the disk is full, it starts again once there is room, and the device has kept
    /// everything that was not promised.
    @Test(.enabled("needs the right to mount a small tmpfs in a namespace of its own", SmallDisk.isPermitted))
    func aCollectorStoppedOnAFullDiskStartsAgainWhenThereIsRoom() async throws {
      let site = try await Site()
      let disk = try await SmallDisk(at: site.recordings, byteCount: 8 << 20)
      let ballast = "\(disk.path)/ballast"
      try Files.write(ballast, [UInt8](repeating: 0xA5, count: 7 << 20))
      let settings = CollectorSettings(recording: "reserve = \"0 B\"\nchunk_size = \"64 KiB\"")
      let collector = try await site.startCollector(settings)
      let agent = try await site.startAgent(
        AgentSettings(sources: [Source.pattern(rate: 1000, count: 2000, size: 1000)]))
      try await eventually("the disk is full") { try site.collectorStatus().trouble != nil }
      let promised = try #require(try site.agentStatus().stream("pattern")?.durable)
      collector.signal(SIGTERM)
      #expect(try await collector.ended() == 0, "\(collector.standardError)")
      #expect(try await site.inspect().counts["pattern", default: 0] >= promised)

      #expect(unlink(ballast) == 0)
      let second = try await site.startCollector(settings)
      try await site.recorded("pattern", 2000)
      try await site.stop(agent: agent, collector: second)
      try await site.expectRecordingAgrees()
      withExtendedLifetime(disk) {}
    }

    @Test(.enabled("needs the right to mount a small tmpfs in a namespace of its own", SmallDisk.isPermitted))
    func anExportThatFindsNoRoomSaysSoAndLeavesItsBeginning() async throws {
      // Of 1280 by 720, so that there is a film of them.
      let size: [UInt8] = [0xFF, 0xC0, 0, 11, 8, 2, 208, 5, 0, 1, 1, 0x11, 0]
      let pictures = (0..<24).map { (number: UInt8) -> [UInt8] in
        let picture = outlineOfPicture(number, dataByteCount: 400_000)
        return picture[..<2] + size + picture[2...]
      }
      let site = try await Site.recorded(pattern: 6000, rate: 4000, size: 1000, pictures: pictures)
      let disk = try await SmallDisk(at: "\(site.path)/small", byteCount: 1 << 20)
      let copy = "\(disk.path)/all.mcap"
      for (form, path) in [("matroska", disk.path), ("mcap", copy), ("ndjson", "\(disk.path)/all.ndjson")] {
        let export = try await site.stt(["export", site.recordings, "--to", form, "--out", path])
        #expect(export.code == 2, "\(export)")
        #expect(export.said.contains(path) && export.said.contains("No space left"), "\(export)")
      }
      // Nothing but the disk is in the way.
      let films = try await site.stt(["export", site.recordings, "--to", "matroska", "--out", "\(site.path)/films"])
      #expect(films.code == 0 && films.said.contains("24 pictures"), "\(films)")
      // Not zeros behind what there was room for.
      let verified = try await site.stt(["verify", copy])
      #expect(verified.code == 3, "\(verified)")
      withExtendedLifetime(disk) {}
    }
  }
}
