internal import CLinux
import Glibc

/// A serial port, its rate and how a character is framed.
public struct SerialLine: Hashable, Sendable {
  public enum Parity: Hashable, Sendable { case none, even, odd }
  public enum FlowControl: Hashable, Sendable {
    case none
    /// RTS and CTS.
    case hardware
    /// XON and XOFF.
    case software
  }

  /// Best `/dev/serial/by-id/…`, which stays when ports are plugged in another order.
  public var path: String
  public var baud: Int
  /// 5 to 8.
  public var dataBits: Int
  public var parity: Parity
  /// 1 or 2.
  public var stopBits: Int
  public var flowControl: FlowControl

  public init(
    path: String, baud: Int, dataBits: Int = 8, parity: Parity = .none, stopBits: Int = 1,
    flowControl: FlowControl = .none
  ) {
    self.path = path
    self.baud = baud
    self.dataBits = dataBits
    self.parity = parity
    self.stopBits = stopBits
    self.flowControl = flowControl
  }

  /// An open descriptor of the line, set.
  func open() throws(SerialTrouble) -> CInt {
    let opened = Glibc.open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
    guard opened >= 0 else { throw .refused(doing: "open", path: path, errno: errno) }
    let parityBit: CInt =
      switch parity {
      case .none: CLINUX_PARITY_NONE
      case .even: CLINUX_PARITY_EVEN
      case .odd: CLINUX_PARITY_ODD
      }
    let flow: CInt =
      switch flowControl {
      case .none: CLINUX_FLOW_NONE
      case .hardware: CLINUX_FLOW_HARDWARE
      case .software: CLINUX_FLOW_SOFTWARE
      }
    let got = clinux_serial_configure(
      opened, UInt32(clamping: baud), CInt(clamping: dataBits), parityBit, CInt(clamping: stopBits), flow)
    guard got >= 0 else {
      close(opened)
      throw got == -ENOTTY ? .noSerialPort(path) : .refused(doing: "set", path: path, errno: -got)
    }
    // A receiver tells characters apart up to a few percent; a driver that can't come near sets another rate.
    guard abs(Int(got) - baud) * 33 <= baud else {
      close(opened)
      throw .otherRate(path: path, wanted: baud, got: Int(got))
    }
    return opened
  }
}

/// Why a serial port can't be used, and what helps.
enum SerialTrouble: Error, Hashable, CustomStringConvertible {
  case refused(doing: String, path: String, errno: CInt)
  case noSerialPort(String)
  case otherRate(path: String, wanted: Int, got: Int)

  var description: String {
    switch self {
    case .refused(let doing, let path, let number) where number == EACCES || number == EPERM:
      "cannot \(doing) \(path): \(String(cString: strerror(number))); add the agent's user to the group dialout, or let "
        + "udev give another group the port: SUBSYSTEM==\"tty\", KERNEL==\"ttyUSB*\", GROUP=\"dialout\", MODE=\"0660\""
    case .refused(let doing, let path, let number) where number == EBUSY:
      "cannot \(doing) \(path): another program has it (fuser \(path) says which); it is taken as soon as it is free"
    case .refused(let doing, let path, let number): fileTrouble(doing, path, errno: number)
    case .noSerialPort(let path): "\(path) is no serial port: ls /dev/serial/by-id lists those there are"
    case .otherRate(let path, let wanted, let got):
      "\(path) can't do \(wanted) baud and would do \(got): choose a rate its driver has"
    }
  }
}
