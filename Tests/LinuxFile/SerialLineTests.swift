import Glibc
import STTBuffers
import STTSample
import Testing

@testable import LinuxFile

/// Serial lines, on pseudo-terminals; in the emulated machine of `make kernel-test` on a UART and a USB adapter.
@Suite struct SerialLineTests {
  private func source(_ line: SerialLine, _ framing: Framing = .lines(maximumByteCount: 100)) throws -> StreamedFileSource {
    try StreamedFileSource(StreamDescription(name: "s", schema: .opaque), .serial(line), framing: framing)
  }

  private func send(_ descriptor: CInt, _ text: String) {
    let bytes = Array(text.utf8)
    #expect(write(descriptor, bytes, bytes.count) == bytes.count)
  }

  private static let silence = StreamedFileSource.silence

  @Test func aLineIsSetAsAsked() throws {
    let terminal = try #require(PseudoTerminal())
    defer { terminal.hangUp() }
    // Any rate, not only those with a name.
    for baud in [300, 9_600, 31_250, 115_200, 250_000, 3_000_000] {
      let descriptor = try SerialLine(
        path: terminal.path, baud: baud, dataBits: 7, parity: .odd, stopBits: 2, flowControl: .software
      ).open()
      defer { close(descriptor) }
      var settings = termios()
      #expect(tcgetattr(descriptor, &settings) == 0)
      #expect(settings.c_lflag & tcflag_t(ICANON | ECHO | ISIG) == 0)
      // A pseudo-terminal has eight bits and no parity whatever is asked, and keeps the rest.
      #expect(settings.c_cflag & tcflag_t(PARODD | CSTOPB | CREAD | CLOCAL) == tcflag_t(PARODD | CSTOPB | CREAD | CLOCAL))
      #expect(settings.c_iflag & tcflag_t(IXON) != 0)
      _ = ioctl(descriptor, UInt(TIOCNXCL))
    }
  }

  @Test func linesArriveAndAHangUpIsToldOf() throws {
    let terminal = try #require(PseudoTerminal())
    let source = try source(SerialLine(path: terminal.path, baud: 9600))
    var collector = Collector()
    source.produce(now: .at(1), into: &collector)
    send(terminal.master, "12.5 kg\r\n12.")
    source.produce(now: .at(1 + Self.silence), into: &collector)
    send(terminal.master, "6 kg\r\n")
    source.produce(now: .at(2 + Self.silence), into: &collector)
    #expect(collector.messages.map(\.text) == ["12.5 kg", "12.6 kg"])
    #expect(collector.events.isEmpty)
    terminal.hangUp()
    source.produce(now: .at(3 + Self.silence), into: &collector)
    #expect(collector.events.count == 1)
    #expect(collector.events.first?.isUnavailable == true)
    #expect(source.descriptor == nil, "a port that is held open comes back under another name")
    #expect(source.deadline != nil)
  }

  @Test func theRestOfALineThatBeganBeforeIsNoLine() throws {
    let terminal = try #require(PseudoTerminal())
    defer { terminal.hangUp() }
    let source = try source(SerialLine(path: terminal.path, baud: 9600))
    var collector = Collector()
    source.produce(now: .at(1), into: &collector)
    send(terminal.master, "2.5\r\n12.6\r\n")
    source.produce(now: .at(Self.silence), into: &collector)
    #expect(collector.messages.map(\.text) == ["12.6"])
  }

  @Test func whatIsNoSerialPortIsSaidToBeNone() throws {
    let directory = TemporaryDirectory()
    let path = directory.write("file", [])
    let source = try source(SerialLine(path: path, baud: 9600))
    var collector = Collector()
    source.produce(now: .at(1), into: &collector)
    #expect(
      collector.events == [
        .unavailable(reason: "\(path) is no serial port: ls /dev/serial/by-id lists those there are")
      ])
  }

  @Test func rightsThatAreMissingAreNamed() {
    let text = SerialTrouble.refused(doing: "open", path: "/dev/ttyUSB0", errno: EACCES).description
    #expect(text.contains("group dialout"))
    #expect(text.contains("SUBSYSTEM==\"tty\""))
    #expect(SerialTrouble.refused(doing: "open", path: "/dev/ttyUSB0", errno: EBUSY).description.contains("fuser"))
  }

  @Test func portsWithHardwareAreListedByNamesThatStay() {
    let directory = TemporaryDirectory()
    let root = directory.path
    for name in ["ttyUSB0", "ttyS0", "ttyS1", "tty1", "ttyACM10"] {
      directory.write("sys/class/tty/\(name)/dev", "")
      directory.write("dev/\(name)", "")
    }
    directory.write("sys/class/tty/ttyUSB0/device", "")
    directory.write("sys/class/tty/ttyACM10/device", "")
    directory.write("sys/class/tty/ttyS0/type", "4\n")
    directory.write("sys/class/tty/ttyS1/type", "0\n")
    directory.write("dev/serial/by-id/README", "")
    symlink("../../ttyUSB0", "\(root)/dev/serial/by-id/usb-FTDI-if00")
    #expect(
      SerialPorts.list(root: root) == [
        SerialPorts.Port(path: "\(root)/dev/ttyS0", stablePaths: []),
        SerialPorts.Port(path: "\(root)/dev/ttyUSB0", stablePaths: ["\(root)/dev/serial/by-id/usb-FTDI-if00"]),
        SerialPorts.Port(path: "\(root)/dev/ttyACM10", stablePaths: []),
      ])
  }
}
