import CLinux
import Glibc
import STTBuffers
import STTSample
import Testing

@testable import LinuxFile

/// Programs and sockets as sources: real processes, waited for by what they write and by their end.
@Suite struct CommandTests {
  private func source(_ origin: ByteOrigin) throws -> StreamedFileSource {
    try StreamedFileSource(
      StreamDescription(name: "s", schema: .opaque), origin, framing: .lines(maximumByteCount: 100))
  }

  private func shell(_ script: String, _ restart: Command.Restart) -> ByteOrigin {
    .command(Command(["sh", "-c", script], restart: restart))
  }

  /// Runs the source on its own clock until it has told `events` things.
  private func run(_ source: StreamedFileSource, _ collector: inout Collector, events: Int) {
    var now: UInt64 = 1
    for _ in 0..<1000 where collector.events.count < events {
      source.produce(now: .at(now), into: &collector)
      if let descriptor = source.descriptor {
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        _ = Glibc.poll(&poll, 1, 10_000)
      }
      now = max(now + 1, source.deadline ?? now)
    }
  }

  @Test func aCommandThatFailsIsStartedAgain() throws {
    let source = try source(shell("echo one; exit 3", .always))
    var collector = Collector()
    run(source, &collector, events: 3)
    #expect(Array(collector.messages.map(\.text).prefix(2)) == ["one", "one"])
    #expect(
      Array(collector.events.prefix(3)) == [
        .unavailable(reason: "sh ended with exit code 3; it is started again"), .available,
        .unavailable(reason: "sh ended with exit code 3; it is started again"),
      ])
  }

  @Test func aCommandThatIsDoneMayBeDone() throws {
    let source = try source(shell("printf 'one\\ntwo'", .onFailure))
    var collector = Collector()
    run(source, &collector, events: 1)
    #expect(collector.messages.map(\.text) == ["one", "two"])
    #expect(collector.events == [.finished])
    #expect(source.deadline == nil)
    #expect(source.descriptor == nil)
  }

  @Test func theSignalThatEndedACommandIsTold() throws {
    let source = try source(shell("kill -9 $$", .never))
    var collector = Collector()
    run(source, &collector, events: 2)
    #expect(collector.events == [.unavailable(reason: "sh was ended by signal 9"), .finished])
  }

  @Test func aProgramThatIsNotThereIsNamed() throws {
    let source = try source(.command(Command(["/nonexistent/rpicam-vid"])))
    var collector = Collector()
    source.produce(now: .at(1), into: &collector)
    #expect(
      collector.events == [
        .unavailable(
          reason: "cannot start /nonexistent/rpicam-vid: No such file or directory; give its whole path, or install it")
      ])
    #expect(source.deadline != nil)
  }

  @Test func aCommandEndsWithItsSource() throws {
    var source: StreamedFileSource? = try source(shell("echo $$; exec sleep 1000", .always))
    var collector = Collector()
    for _ in 0..<100 where collector.messages.isEmpty {
      source?.produce(now: .at(1), into: &collector)
      guard collector.messages.isEmpty, let descriptor = source?.descriptor else { continue }
      var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      _ = Glibc.poll(&poll, 1, 10_000)
    }
    let process = try #require(collector.messages.first.flatMap { pid_t($0.text) })
    #expect(kill(process, 0) == 0)
    source = nil
    #expect(kill(process, 0) != 0)
  }

  @Test func aSocketIsReadAndConnectedAgain() throws {
    let directory = TemporaryDirectory()
    let path = "\(directory.path)/socket"
    let source = try source(.socket(path: path))
    var collector = Collector()
    source.produce(now: .at(1), into: &collector)
    #expect(collector.events.count == 1)
    #expect(collector.events.first?.isUnavailable == true)
    let listener = clinux_unix_listen(path)
    #expect(listener >= 0)
    defer { close(listener) }
    for round in 0..<2 {
      // Nothing tells of a listener: the source looks again by its clock.
      source.produce(now: .at(source.deadline ?? 0), into: &collector)
      let writer = clinux_unix_accept(listener)
      #expect(writer >= 0)
      #expect(write(writer, "a\nb", 3) == 3)
      close(writer)
      source.produce(now: .at(UInt64(round + 1) * 10_000_000_000), into: &collector)
    }
    #expect(collector.messages.map(\.text) == ["a", "b", "a", "b"])
    let kinds = collector.events.map(\.isUnavailable)
    #expect(kinds == [true, false, true, false, true])
  }
}
