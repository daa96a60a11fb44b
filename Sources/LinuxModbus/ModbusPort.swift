internal import CModbus
import Glibc

/// A serial line that Modbus devices share, and how long they may take to answer.
public struct ModbusLine: Hashable, Sendable {
  public enum Parity: Hashable, Sendable { case none, even, odd }

  /// Best `/dev/serial/by-id/…`, which stays when ports are plugged in another order.
  public var path: String
  public var baud: Int
  public var parity: Parity
  /// 1 or 2.
  public var stopBits: Int
  /// In microseconds.
  public var timeout: UInt32

  public init(path: String, baud: Int, parity: Parity, stopBits: Int, timeout: UInt32) {
    self.path = path
    self.baud = baud
    self.parity = parity
    self.stopBits = stopBits
    self.timeout = timeout
  }
}

/// An open line.
final class ModbusPort {
  private let port: OpaquePointer

  init(_ line: ModbusLine) throws(ModbusTrouble) {
    guard cmodbus_load() == 0 else { throw .noLibrary }
    let parity: Character =
      switch line.parity {
      case .none: "N"
      case .even: "E"
      case .odd: "O"
      }
    var error: CInt = 0
    // RTU has characters of eight bits (MODBUS over serial line V1.02, section 2.5.1).
    guard
      let port = cmodbus_open(
        line.path, CInt(clamping: line.baud), CChar(bitPattern: parity.asciiValue ?? 0), 8, CInt(clamping: line.stopBits),
        line.timeout, &error)
    else { throw .refused(doing: "open", path: line.path, errno: error) }
    self.port = port
  }

  deinit { cmodbus_close(port) }

  /// Asks for as many registers as `into` has; what went wrong, or 0.
  func read(_ device: UInt8, _ table: RegisterTable, first: UInt16, into registers: inout [UInt16]) -> CInt {
    let kind =
      switch table {
      case .coil: CMODBUS_COIL
      case .discrete: CMODBUS_DISCRETE
      case .input: CMODBUS_INPUT
      case .holding: CMODBUS_HOLDING
      }
    return registers.withUnsafeMutableBufferPointer { buffer in
      cmodbus_read(port, device, kind, first, UInt16(clamping: buffer.count), buffer.baseAddress)
    }
  }
}

/// Why a line or a device on it can't be used, and what helps.
enum ModbusTrouble: Error, Hashable, CustomStringConvertible {
  case noLibrary
  case refused(doing: String, path: String, errno: CInt)
  case silent(device: UInt8, path: String, error: CInt)
  case denied(device: UInt8, table: RegisterTable, first: UInt16, count: Int, error: CInt)

  var description: String {
    switch self {
    case .noLibrary: "Modbus needs libmodbus: apt-get install libmodbus5; it is used as soon as it is there"
    case .refused(let doing, let path, let number) where number == EACCES || number == EPERM:
      "cannot \(doing) \(path): \(Self.text(number)); add the agent's user to the group dialout"
    case .refused(let doing, let path, let number) where number == EBUSY:
      "cannot \(doing) \(path): another program or source has it; all devices of a line belong into one source"
    case .refused(let doing, let path, let number):
      "cannot \(doing) \(path): \(Self.text(number)); it is opened as soon as it is there"
    case .silent(let device, let path, let number):
      "device \(device) on \(path) gives no answer (\(Self.text(number))): are its address, baud, parity and wires right?"
    case .denied(let device, let table, let first, let count, let number):
      "device \(device) refuses \(table) \(table.isBits ? "" : "register ")\(first)\(count > 1 ? " to \(Int(first) + count - 1)" : ""): \(Self.text(number))"
    }
  }

  private static func text(_ error: CInt) -> String { cmodbus_text(error).map { String(cString: $0) } ?? "error \(error)" }
}

/// What a failed read says about who failed.
enum ReadFailure {
  case silent, denied, port

  init(_ error: CInt) {
    switch cmodbus_meaning(error) {
    case CMODBUS_SILENT: self = .silent
    case CMODBUS_REFUSED: self = .denied
    default: self = .port
    }
  }
}
