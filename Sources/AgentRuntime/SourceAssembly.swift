import LinuxFile
import LinuxGPIO
import LinuxIIO
import LinuxModbus
import LinuxVideo
import STTBoard
import STTSample

/// Why a source of the configuration can't be had.
public struct SourceFailure: Error, CustomStringConvertible, Sendable {
  public let source: String
  public let reason: String
  /// Whether the configuration may be right and its device away.
  public let isDeviceMissing: Bool

  public var description: String { "source \(source): \(reason)" }
}

/// Makes the sources that a configuration names.
enum SourceAssembly {
  static func sources(_ configuration: SourceConfiguration) throws(SourceFailure) -> [any SampleSource] {
    do {
      switch configuration.input {
      case .poll(let input): return [try poll(configuration, input)]
      case .system(let input): return try system(configuration, input)
      case .file(let input):
        return [
          try bytes(
            configuration, .file(path: input.path), input.cutting, loops: input.loop, hertz: input.rateHertz)
        ]
      case .serial(let input): return [try bytes(configuration, .serial(line(input)), input.cutting)]
      case .modbus(let input): return [modbus(configuration, input)]
      case .socket(let input): return [try bytes(configuration, .socket(path: input.path), input.cutting)]
      case .command(let input): return [try bytes(configuration, .command(command(input)), input.cutting)]
      case .gpio(let input): return [try gpio(configuration, input)]
      case .iio(let input): return [try iio(configuration, input)]
      case .camera(let input): return [try camera(configuration, input)]
      case .pattern(let input): return [try pattern(configuration, input)]
      }
    } catch {
      throw SourceFailure(
        source: configuration.name, reason: "\(error)",
        isDeviceMissing: (error as? IIOTrouble)?.isDeviceMissing ?? (error as? CameraError)?.isDeviceMissing
          ?? (error is NothingFound))
    }
  }

  /// The machine has nothing of what a source of type `system` reads.
  private struct NothingFound: Error, CustomStringConvertible {
    var groups: [String]
    var description: String { "this machine has none of \(groups.joined(separator: ", "))" }
  }

  static func description(
    _ configuration: SourceConfiguration, name: String? = nil, schema: Schema = .opaque
  ) -> StreamDescription {
    StreamDescription(
      name: name ?? configuration.name, schema: schema,
      delivery: delivery(configuration.delivery),
      deadlineMilliseconds: configuration.delivery == .partial
        ? UInt32(clamping: Int64(configuration.deadline / .milliseconds(1))) : 0,
      durability: durability(configuration.durability),
      priority: configuration.priority, maximumMessageByteCount: configuration.maximumMessageByteCount,
      purpose: configuration.purpose, padding: padding(configuration),
      errorCorrection: errorCorrection(configuration))
  }

  private static func durability(_ configured: STTBoard.Durability) -> StreamDescription.Durability {
    switch configured {
    case .durable: .durable
    case .periodic: .periodic
    case .volatile: .volatile
    }
  }

  private static func padding(_ configuration: SourceConfiguration) -> StreamDescription.Padding {
    switch configuration.padding {
    case .none: .none
    case .buckets: .buckets
    case .constant: .constantRate(hertz: configuration.paddingRateHertz)
    }
  }

  private static func errorCorrection(_ configuration: SourceConfiguration) -> StreamDescription.ErrorCorrection {
    let (data, parity) = (configuration.errorCorrectionData, configuration.errorCorrectionParity)
    return switch configuration.errorCorrection {
    case .off: .none
    case .automatic: .automatic(data: data, parity: parity)
    case .xor, .reedSolomon: .always(data: data, parity: parity)
    }
  }

  private static func delivery(_ configured: STTBoard.DeliveryClass) -> StreamDescription.Delivery {
    switch configured {
    case .reliable: .reliable
    case .partial: .partial
    case .unreliable: .unreliable
    case .latest: .latest
    }
  }

  static func identifier(_ name: String) -> String {
    let text = String(name.map { $0.isLetter || $0.isNumber ? $0 : "_" })
    return text.first?.isLetter == true ? text : "s_" + text
  }

  private static func poll(_ configuration: SourceConfiguration, _ input: PollInput) throws -> any SampleSource {
    try PolledFileSource(
      description(configuration), messageName: identifier(configuration.name), input.values.map(attribute),
      hertz: input.rateHertz)
  }

  static func attribute(_ value: PollInput.Value) -> Attribute {
    Attribute(
      value.path, Field(value.name, kind(value.parse), unit: value.unit), line: value.line, column: value.column,
      scale: value.scale, offset: value.offset)
  }

  private static func kind(_ format: ValueFormat) -> Field.Kind {
    switch format {
    case .number: .double
    case .integer: .int64
    case .boolean: .bool
    case .text: .string
    }
  }

  private static func system(_ configuration: SourceConfiguration, _ input: SystemInput) throws -> [any SampleSource] {
    let wanted = Set(input.groups.map(\.rawValue))
    let groups = SystemAttributes.discover().filter { wanted.contains($0.kind.rawValue) }
    guard !groups.isEmpty else {
      throw NothingFound(groups: wanted.sorted())
    }
    return try groups.map { group in
      try PolledFileSource(
        description(configuration, name: "\(configuration.name)/\(group.name)"), messageName: group.messageName,
        group.attributes, hertz: input.rateHertz,
        found: { SystemAttributes.find(group) })
    }
  }

  private static func camera(_ configuration: SourceConfiguration, _ input: CameraInput) throws -> any SampleSource {
    let format: VideoFormat? =
      switch input.format {
      case .automatic: nil
      case .mjpeg: .mjpeg
      case .h264: .h264
      case .yuyv: .yuyv
      case .nv12: .nv12
      case .rgb24: .rgb24
      case .grey: .grey
      }
    var description = description(configuration)
    description.maximumMessageByteCount += pictureHeadByteCount
    return try CameraSource(
      description,
      CameraRequest(
        device: input.device, format: format, width: input.width, height: input.height,
        framesPerSecond: input.framesPerSecond), frameID: configuration.name)
  }

  private static func gpio(_ configuration: SourceConfiguration, _ input: GPIOInput) throws -> any SampleSource {
    let edges: LineSettings.Edges =
      switch input.edge {
      case .both: .both
      case .rising: .rising
      case .falling: .falling
      }
    let bias: LineSettings.Bias =
      switch input.bias {
      case .asIs: .asIs
      case .disabled: .disabled
      case .pullUp: .pullUp
      case .pullDown: .pullDown
      }
    let lines: [LineAddress] = input.lines.map { .name($0) } + input.offsets.map { .offset(UInt32($0)) }
    var settings = LineSettings(
      edges: edges, bias: bias, isActiveLow: input.isActiveLow,
      debounceMicroseconds: UInt32(clamping: Int64(input.debounce / .microseconds(1))))
    if let interval = input.countInterval {
      return PulseSource(
        description(configuration), messageName: identifier(configuration.name), lines: lines, chip: input.chip,
        settings: settings, interval: UInt64(clamping: Int64(interval / .nanoseconds(1))))
    }
    settings.isRealtime = input.clock == .realtime
    return try EdgeSource(
      description(configuration), messageName: identifier(configuration.name), lines: lines, chip: input.chip,
      settings: settings)
  }

  private static func iio(_ configuration: SourceConfiguration, _ input: IIOInput) throws -> any SampleSource {
    let messageName = identifier(configuration.name)
    if input.capture == .buffered {
      return try CaptureSource(
        description(configuration), messageName: messageName,
        CaptureRequest(
          device: input.device, channels: input.channels, trigger: input.trigger, hertz: input.rateHertz))
    }
    return try PolledFileSource(
      description(configuration), messageName: messageName, try channels(input), hertz: input.rateHertz ?? 1,
      found: { try? channels(input) })
  }

  private static func channels(_ input: IIOInput) throws -> [Attribute] {
    try PolledChannels.of(input.device, input.channels).map { channel in
      Attribute(
        channel.path, Field(channel.fieldName, .double, unit: channel.unit), scale: channel.scale,
        offset: channel.offset)
    }
  }

  private static func pattern(_ configuration: SourceConfiguration, _ input: PatternInput) throws -> any SampleSource {
    var description = description(configuration)
    description.maximumMessageByteCount = max(description.maximumMessageByteCount, input.messageByteCount)
    return try PatternSource(
      description, messageByteCount: input.messageByteCount, hertz: input.rateHertz, count: input.count,
      seed: input.seed)
  }
}
