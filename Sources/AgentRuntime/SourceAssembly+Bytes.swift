import LinuxFile
import STTBoard
import STTSample

// Sources that read bytes and cut them into messages.
extension SourceAssembly {
  /// What a picture's description before its bytes may take.
  static let pictureHeadByteCount = 512

  static func bytes(
    _ configuration: SourceConfiguration, _ origin: ByteOrigin, _ cutting: MessageCutting, loops: Bool = false,
    hertz: Double? = nil
  ) throws -> any SampleSource {
    let framing = framing(cutting, atMost: configuration.maximumMessageByteCount, frameID: configuration.name)
    let schema: Schema =
      switch cutting.framing {
      case .jpeg: .compressedImage
      case .h264: .compressedVideo
      default: .opaque
      }
    var description = description(configuration, schema: schema)
    if schema != .opaque { description.maximumMessageByteCount += pictureHeadByteCount }
    let lines: LineContent =
      if !cutting.values.isEmpty {
        .values(cutting.values.map(attribute), separator: cutting.separator?.asciiValue)
      } else {
        cutting.contents == .text ? .text : .opaque
      }
    return try StreamedFileSource(
      description, origin, framing: framing, messageName: identifier(configuration.name), lines: lines, loops: loops,
      framesPerSecond: hertz)
  }

  private static func framing(_ cutting: MessageCutting, atMost most: Int, frameID: String) -> LinuxFile.Framing {
    switch cutting.framing {
    case .raw: .raw(chunkByteCount: most)
    case .lines: .lines(maximumByteCount: most)
    case .nmea: .nmea(maximumByteCount: most)
    case .fixed: .fixed(byteCount: cutting.recordByteCount, start: cutting.recordStart)
    case .lengthU8: .lengthPrefixed(.u8, maximumByteCount: most)
    case .lengthU16LittleEndian: .lengthPrefixed(.u16LittleEndian, maximumByteCount: most)
    case .lengthU16BigEndian: .lengthPrefixed(.u16BigEndian, maximumByteCount: most)
    case .lengthU32LittleEndian: .lengthPrefixed(.u32LittleEndian, maximumByteCount: most)
    case .lengthU32BigEndian: .lengthPrefixed(.u32BigEndian, maximumByteCount: most)
    case .jpeg: .jpeg(maximumByteCount: most, frameID: frameID)
    case .h264: .h264(maximumByteCount: most, frameID: frameID)
    }
  }

  static func line(_ input: SerialInput) -> SerialLine {
    let parity: SerialLine.Parity =
      switch input.parity {
      case .none: .none
      case .even: .even
      case .odd: .odd
      }
    let flowControl: SerialLine.FlowControl =
      switch input.flowControl {
      case .none: .none
      case .hardware: .hardware
      case .software: .software
      }
    return SerialLine(
      path: input.device, baud: input.baud, dataBits: input.dataBits, parity: parity, stopBits: input.stopBits,
      flowControl: flowControl)
  }

  static func command(_ input: CommandInput) -> Command {
    let restart: Command.Restart =
      switch input.restart {
      case .always: .always
      case .onFailure: .onFailure
      case .never: .never
      }
    return Command(input.arguments, restart: restart)
  }
}
