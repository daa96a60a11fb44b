@testable import STTBoard
import Testing

@Suite struct CollectorConfigurationTests {
  private func collector(
    collector: [(String, ConfigNode.Value)] = [("pairs", .string("/etc/stt/pairs.d"))],
    recording: [(String, ConfigNode.Value)] = [("root", .string("/r")), ("seal", .string("none"))],
    and more: [(String, ConfigNode.Value)] = []
  ) -> ConfigNode {
    root([("collector", table(collector)), ("recording", table(recording))] + more)
  }

  @Test func aSmallTextGetsEveryDefault() throws {
    let made = try CollectorConfiguration(collector())
    #expect(made.listen == NetworkAddress(host: "0.0.0.0", port: 4650))
    #expect(made.pairsDirectory == "/etc/stt/pairs.d")
    #expect(made.devices == [])
    #expect(made.allowSeedMode == false)
    #expect(made.stateDirectory == "/var/lib/stt/collector")
    #expect(made.statusSocket == "/run/stt/collector/status.sock")
    #expect(made.maximumDatagramByteCount == 65_507)
    #expect(made.recording.root == "/r")
    #expect(made.recording.seal == .plain && made.recording.policies.isEmpty)
    #expect(made.recording.segmentByteCount == 256 << 20)
    #expect(made.recording.segmentAge == .seconds(3600))
    #expect(made.recording.chunkByteCount == 256 << 10)
    #expect(made.recording.chunkAge == .seconds(1))
    #expect(made.recording.compression == .zstd)
    #expect(made.recording.syncInterval == .milliseconds(250))
    #expect(made.recording.reserveByteCount == 1 << 30)
    #expect(made.recording.keep == nil && made.recording.maximumByteCount == nil && made.recording.whenFull == .stop)
    #expect(
      made.limits
        == CollectorConfiguration.Admission(
          sessionCount: 1024, handshakesPerSecond: 500, maximumMessageByteCount: 16 << 20, memoryByteCount: 256 << 20))
  }

  @Test func limitsOfWhatIsKeptAreReadAndHoldASegment() throws {
    let recording: [(String, ConfigNode.Value)] = [("root", .string("/r")), ("seal", .string("none"))]
    let made = try CollectorConfiguration(
      collector(
        recording: recording + [
          ("keep", .string("30 d")), ("max_size", .string("1 TiB")), ("max_device_size", .string("10 GiB")),
          ("when_full", .string("drop-oldest")),
        ])
    ).recording
    #expect(made.keep == .seconds(30 * 86_400) && made.whenFull == .dropOldest)
    #expect(made.maximumByteCount == 1 << 40 && made.maximumDeviceByteCount == 10 << 30)
    let problems = collectorProblems(collector(recording: recording + [("max_size", .string("100 MiB"))]))
    #expect(problems.map(\.path) == ["recording.max_size"] && problems.map(\.kind) == [.conflict])
  }

  @Test func recordingsAreSealedUnlessPlainOnesAreAskedFor() throws {
    #expect(try CollectorConfiguration(collector(recording: [("root", .string("/r"))])).recording.seal == .sealed)
    #expect(try CollectorConfiguration(collector()).recording.seal == .plain)
    let problems = collectorProblems(collector(recording: [("root", .string("/r")), ("seal", .string("open"))]))
    #expect(problems.map(\.path) == ["recording.seal"])
  }

  @Test func aPurposeIsKeptByAPolicyOfItsOwn() throws {
    func made(_ policies: [[(String, ConfigNode.Value)]]) -> ConfigNode {
      collector(recording: [("root", .string("/r")), ("policy", array(policies.map { table($0) }))])
    }
    let policies = try CollectorConfiguration(
      made([
        [("purpose", .string("video")), ("keep", .string("7 d")), ("max_size", .string("1 GiB"))],
        [("purpose", .string("incidents")), ("device", .string("a")), ("when_full", .string("stop"))],
      ])
    ).recording.policies
    #expect(
      policies == [
        .init(purpose: "video", device: nil, keep: .seconds(7 * 86_400), maximumByteCount: 1 << 30, whenFull: nil),
        .init(purpose: "incidents", device: "a", keep: nil, maximumByteCount: nil, whenFull: .stop),
      ])
    let wrong: [([(String, ConfigNode.Value)], String)] = [
      ([("purpose", .string("video"))], "recording.policy[0].keep"),
      ([("keep", .string("7 d"))], "recording.policy[0].purpose"),
      ([("purpose", .string("a/b")), ("keep", .string("7 d"))], "recording.policy[0].purpose"),
      ([("purpose", .string("a")), ("max_size", .string("16 MiB"))], "recording.policy[0].max_size"),
      ([("purpose", .string("a")), ("keep", .string("7 d")), ("kep", .string("7 d"))], "recording.policy[0].kep"),
    ]
    for (keys, path) in wrong { #expect(collectorProblems(made([keys])).map(\.path) == [path]) }
  }

  @Test func sealedRecordingsOpenWithTheDayAndTheSeedUnlessTheTextSaysOtherwise() throws {
    let made = try CollectorConfiguration(
      collector(recording: [("root", .string("/r")), ("seal", .string("sealed"))]))
    #expect(made.recording.seal == .sealed)
    #expect(made.recording.sealTo == [.day, .seed])
    #expect(made.recording.recipients == [])
  }

  @Test func whoOpensNothingIsRefused() {
    let cases: [([(String, ConfigNode.Value)], String)] = [
      ([("seal", .string("none")), ("seal_to", array([.string("day")]))], "recording.seal_to"),
      ([("seal", .string("sealed")), ("seal_to", array([.string("recipients")]))], "recording.seal_to"),
      ([("seal", .string("sealed")), ("recipients", array([.string("auditor.pub")]))], "recording.recipients"),
      ([("seal", .string("sealed")), ("seal_to", array([]))], "recording.seal_to"),
    ]
    for (more, path) in cases {
      #expect(collectorProblems(collector(recording: [("root", .string("/r"))] + more)).map(\.path) == [path])
    }
  }

  @Test func aCollectorThatKnowsNobodyIsRefused() {
    #expect(collectorProblems(collector(collector: [])).map(\.path) == ["collector.pairs"])
    let device = table([("pair", .string("file:/etc/stt/a.pair")), ("allow_seed_mode", .bool(true))])
    #expect(collectorProblems(collector(collector: [], and: [("device", array([device]))])).isEmpty)
  }

  @Test func devicesKeepTheirOwnSeedModePermission() throws {
    let made = try CollectorConfiguration(
      collector(and: [
        (
          "device",
          array([
            table([("pair", .string("credential:a")), ("allow_seed_mode", .bool(true))]), table([("pair", .string("fd:3"))]),
          ])
        )
      ]))
    #expect(
      made.devices == [
        CollectorConfiguration.Device(pair: .credential(name: "a"), allowSeedMode: true, identity: .off),
        CollectorConfiguration.Device(pair: .descriptor(3), allowSeedMode: false, identity: .off),
      ])
  }

  @Test func durationsNeedAUnit() throws {
    func recording(_ value: ConfigNode.Value) -> ConfigNode {
      collector(recording: [("root", .string("/r")), ("seal", .string("none")), ("sync_interval", value)])
    }
    #expect(try CollectorConfiguration(recording(.string("20 ms"))).recording.syncInterval == .milliseconds(20))
    #expect(try CollectorConfiguration(recording(.string("1min"))).recording.syncInterval == .seconds(60))
    for wrong: ConfigNode.Value in [
      .integer(250), .string("250"), .string("ms"), .string("9223372036854775807 d"), .string("61 s"),
    ] {
      #expect(collectorProblems(recording(wrong)).map(\.path) == ["recording.sync_interval"])
    }
  }

  @Test func aChunkIsNotLargerThanItsSegment() {
    let problems = collectorProblems(
      collector(recording: [
        ("root", .string("/r")), ("seal", .string("none")), ("segment_size", .string("1 MiB")),
        ("chunk_size", .string("2 MiB")),
      ]))
    #expect(problems.map(\.kind) == [.conflict])
  }

  @Test func everyReceiveThreadHasItsMemory() {
    func limits(_ threads: Int64, _ memory: String) -> ConfigNode {
      collector(and: [("limits", table([("receive_threads", .integer(threads)), ("memory", .string(memory))]))])
    }
    #expect(collectorProblems(limits(2, "16 MiB")).isEmpty)
    #expect(collectorProblems(limits(32, "256 MiB")).isEmpty)
    #expect(collectorProblems(limits(3, "16 MiB")).map(\.kind) == [.conflict])
    #expect(collectorProblems(limits(0, "256 MiB")).map(\.kind) == [.outOfRange])
    #expect(collectorProblems(limits(33, "1 GiB")).map(\.kind) == [.outOfRange])
  }

  @Test func messagesOf16MiBAreAcceptedOneByteMoreIsNot() {
    func limits(_ size: Int64) -> ConfigNode { collector(and: [("limits", table([("max_message", .integer(size))]))]) }
    #expect(collectorProblems(limits(16 << 20)).isEmpty)
    #expect(collectorProblems(limits((16 << 20) + 1)).map(\.kind) == [.outOfRange])
  }
}
