// swift-tools-version: 6.2
import PackageDescription

// CI treats every warning of this package as an error; a user's newer compiler does not.
let strict: [SwiftSetting] = Context.environment["CI"] == nil ? [] : [.treatAllWarnings(as: .error)]
let settings: [SwiftSetting] =
  strict + [
    // Spans returned from properties need lifetime annotations, still behind a flag in 6.2 and 6.3.
    .enableExperimentalFeature("Lifetimes"),
    .enableUpcomingFeature("MemberImportVisibility"),
  ]

// `make fuzz` builds the same modules with libFuzzer's counters in them, and the program that drives it.
// STT_FUZZ=address looks for errors of memory as well.
let fuzzing = Context.environment["STT_FUZZ"] != nil
let sanitizers =
  fuzzing ? ["-sanitize=fuzzer"] + (Context.environment["STT_FUZZ"] == "address" ? ["-sanitize=address"] : []) : []
let watched: [SwiftSetting] = fuzzing ? [.unsafeFlags(sanitizers)] : []

let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let deque: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")
let heap: Target.Dependency = .product(name: "HeapModule", package: "swift-collections")
let containers: Target.Dependency = .product(name: "BasicContainers", package: "swift-collections")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let toml: Target.Dependency = .product(name: "TOMLKit", package: "TOMLKit")
let webSocket: [Target.Dependency] =
  ["NIOCore", "NIOHTTP1", "NIOPosix", "NIOWebSocket"].map { .product(name: $0, package: "swift-nio") } + [
    .product(name: "NIOSSL", package: "swift-nio-ssl")
  ]

// Replays shown in Foxglove: without TLS.
let foxglove: [Target.Dependency] =
  ["NIOCore", "NIOHTTP1", "NIOPosix", "NIOWebSocket"].map { .product(name: $0, package: "swift-nio") }

func module(_ name: String, _ path: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, path: path, swiftSettings: settings + watched)
}
func program(_ name: String, _ path: String, _ dependencies: [Target.Dependency]) -> Target {
  .executableTarget(name: name, dependencies: dependencies, path: path, swiftSettings: settings)
}
func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: dependencies, path: "Tests/\(name)", exclude: exclude,
    swiftSettings: settings)
}

let package = Package(
  name: "stt",
  products: [
    .library(
      name: "STT",
      targets: ["STTBuffers", "STTWire", "STC", "STTSession", "STTSample", "STTRecord"]),
    .executable(name: "stt-agent", targets: ["stt-agent"]),
    .executable(name: "stt-collector", targets: ["stt-collector"]),
    .executable(name: "stt-websocket", targets: ["stt-websocket"]),
    .executable(name: "stt", targets: ["stt"]),
  ],
  dependencies: [
    // Exact: STC's sealing engine calls C functions that swift-crypto does not promise to keep
    // (docs/decisions/0002).
    .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/LebJe/TOMLKit", exact: "0.6.0"),
    // The catalogue of recordings (docs/decisions/0016), which neither core nor agent builds.
    .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
    // Of the WebSocket transport alone (docs/decisions/0011): the agent and the core never build them.
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
  ],
  targets: [
    // Core: no input or output, clocks, threads or globals.
    module("STTChecksum", "Sources/Checksum"),
    module("STTBuffers", "Sources/Buffers"),
    module("STTWire", "Sources/Wire", ["STTChecksum"]),
    module("STTFEC", "Sources/FEC"),
    .target(name: "CSealing", dependencies: [crypto], path: "Sources/CSealing"),
    module("STC", "Sources/Crypto", ["STTWire", "CSealing", crypto]),
    module("STTSession", "Sources/Session", ["STTBuffers", "STTWire", "STTFEC", "STC", deque, containers]),
    module("STTSample", "Sources/Sample", ["STTBuffers"]),
    module("STTRecord", "Sources/Record", ["STTChecksum", "STTBuffers", "STTSample"]),
    module("STTBoard", "Sources/Board"),
    module("STTJSON", "Sources/JSON"),
    module("STTIngest", "collector/Ingest", ["STTBuffers", "STTWire", "STC", "STTSession", deque]),

    // Edges: one kernel facility or store each.
    .target(name: "CLinux", path: "Sources/CLinux"),
    .target(name: "CAllocations", path: "Sources/CAllocations"),
    .systemLibrary(
      name: "CDeflate", path: "Sources/CDeflate", pkgConfig: "libdeflate", providers: [.apt(["libdeflate-dev"])]),
    .systemLibrary(
      name: "CZstd", path: "Sources/CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    .systemLibrary(
      name: "CLz4", path: "Sources/CLz4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
    // libmatroska is C++.
    .target(
      name: "CMatroska", path: "Sources/CMatroska",
      linkerSettings: [.linkedLibrary("matroska"), .linkedLibrary("ebml")]),
    .systemLibrary(
      name: "CQRencode", path: "Sources/CQRencode", pkgConfig: "libqrencode",
      providers: [.apt(["libqrencode-dev"])]),
    module("LinuxEvents", "Sources/LinuxEvents", ["CLinux"]),
    module("LinuxProcess", "Sources/LinuxProcess", ["CLinux"]),
    module("LinuxUDP", "Sources/LinuxUDP", ["CLinux", "STTBuffers"]),
    module("LinuxFile", "Sources/LinuxFile", ["CLinux", "STTBuffers", "STTSample"]),
    // Static: the agent then starts on boards without the library.
    .target(name: "CGPIO", path: "Sources/CGPIO", linkerSettings: [.linkedLibrary(":libgpiod.a")]),
    module("LinuxGPIO", "Sources/LinuxGPIO", ["CGPIO", "STTBuffers", "STTSample"]),
    module("LinuxIIO", "Sources/LinuxIIO", ["STTBuffers", "STTSample"]),
    // Loaded when a source asks for it: boards without Modbus need no library.
    .target(name: "CModbus", path: "Sources/CModbus"),
    module("LinuxModbus", "Sources/LinuxModbus", ["CModbus", "STTBuffers", "STTSample"]),
    module("LinuxVideo", "Sources/LinuxVideo", ["CLinux", "STTBuffers", "STTSample"]),
    module("STTConfig", "Sources/Config", ["STTBoard", toml]),
    module("STTKeyring", "Sources/Keyring", ["STTBoard", "STTChecksum", "STC"]),
    module("STTWebSocket", "Sources/WebSocket", webSocket + [deque]),
    module("STTFoxglove", "Sources/Foxglove", foxglove + ["STTJSON"]),
    module("STTWebSocketServer", "collector/WebSocket", webSocket + ["STTSession", "STTWebSocket", deque]),
    module(
      "STTRecorder", "collector/Recorder",
      ["CDeflate", "CLinux", "CLz4", "CZstd", "STC", "STTBuffers", "STTChecksum", "STTSample", "STTRecord"]),

    // SQLite by GRDB (docs/decisions/0016).
    module("STTCatalogue", "collector/Catalogue", ["STTRecord", grdb]),

    // Composition.
    module("STTImpairment", "Sources/Impairment", ["CLinux", "LinuxEvents", "LinuxUDP", heap]),
    module(
      "STTAgentRuntime", "Sources/AgentRuntime",
      [
        "CLinux", "LinuxEvents", "LinuxProcess", "LinuxUDP", "LinuxFile", "LinuxGPIO", "LinuxIIO", "LinuxModbus",
        "LinuxVideo",
        "STTBoard", "STTBuffers",
        "STTKeyring",
        "STTSample", "STTSession", "STTWire", "STC", "STTJSON", logging,
      ]),
    module(
      "STTCollectorRuntime", "collector/Runtime",
      [
        "CLinux", "LinuxEvents", "LinuxUDP", "STTCatalogue", "STTWebSocketServer", "STTBoard", "STTBuffers", "STTIngest",
        "STTKeyring",
        "STTRecord",
        "STTRecorder", "STTSample", "STTSession", "STTWire", "STC", "STTJSON", logging,
      ]),
    program(
      "stt-agent", "Sources/stt-agent",
      ["LinuxEvents", "STTAgentRuntime", "STTBoard", "STTConfig", "STTKeyring", arguments, logging]),
    program("stt-websocket", "Sources/stt-websocket", webSocket + ["STTBoard", "STTWebSocket", arguments]),
    program(
      "stt-collector", "collector/stt-collector",
      [
        "LinuxEvents", "STTCollectorRuntime", "STTWebSocketServer", "STTBoard", "STTConfig", "STTKeyring", arguments,
        logging,
      ]),
    program(
      "stt", "Sources/stt",
      [
        "CAllocations", "CLinux", "CMatroska", "CQRencode", "LinuxEvents", "LinuxUDP", "STTAgentRuntime", "STTBoard",
        "STTBuffers", "STTCatalogue",
        "STTChecksum",
        "STTConfig", "STTFoxglove", "STTImpairment", "STTIngest", "STTJSON", "STTKeyring", "STTRecord", "STTRecorder",
        "STTSample",
        "STTSession", "STTWire", "STC", arguments, logging,
      ]),

    // What the simulation's tests and its program for many runs share.
    module(
      "SimulationWorld", "Tests/Simulation/World",
      ["STC", "STTBuffers", "STTChecksum", "STTIngest", "STTKeyring", "STTSession", "STTWire", heap]),
    module("RecordingTrials", "Tests/Trials/World", ["STC", "STTCatalogue", "STTRecord", "STTRecorder", "STTSample"]),
    program("stt-trials", "Tests/Trials/Program", ["RecordingTrials", arguments]),
    program("stt-simulate", "Tests/Simulation/Program", ["SimulationWorld", "STTSession", "STTWire", arguments]),

    // Limits on instructions and allocations: `make micro`.
    program(
      "stt-micro", "Benchmarks/micro/Program",
      ["CAllocations", "STC", "STTBuffers", "STTIngest", "STTRecord", "STTSample", "STTSession", "STTWire"]),

    tests("AgentRuntime", ["STTAgentRuntime", "STTBoard"]),
    tests(
      "CollectorRuntime",
      ["LinuxEvents", "STTBoard", "STTBuffers", "STTCollectorRuntime", "STTRecorder", "STTSession", "STTWire", logging]),
    tests("Board", ["STTBoard"]),
    tests("Buffers", ["STTBuffers"]),
    tests("Config", ["STTBoard", "STTConfig"]),
    tests("Checksum", ["STTChecksum"]),
    tests("Crypto", ["STC", "STTWire", crypto]),
    tests(
      "EndToEnd", ["CLinux", "LinuxEvents", "LinuxUDP", "ModbusDevices", "STTBuffers", "STTImpairment"],
      exclude: ["compare_replays.py", "films.py", "read_with_stock_mcap.py", "watch_as_foxglove.py"]),
    .target(
      name: "FuzzInputs",
      dependencies: [
        "STTBoard", "STTBuffers", "STTChecksum", "STTConfig", "STTIngest", "STTKeyring", "STTRecord", "STTSample",
        "STTSession", "STTWire", "STC",
      ],
      path: "Tests/Fuzz/Inputs", swiftSettings: settings + watched),
    .testTarget(
      name: "FuzzTests", dependencies: ["FuzzInputs"], path: "Tests/Fuzz/Replay", swiftSettings: settings),
    tests("FEC", ["STTFEC"]),
    tests("Ingest", ["STTIngest"]),
    tests("Impairment", ["LinuxEvents", "LinuxUDP", "STTBuffers", "STTImpairment"]),
    tests("Keyring", ["STTBoard", "STTKeyring", "STC"]),
    tests("Library", ["STC", "STTBuffers", "STTSession", "STTWire"]),
    tests("LinuxEvents", ["LinuxEvents", "STTBuffers"]),
    tests("LinuxFile", ["CLinux", "LinuxFile", "STTBuffers", "STTSample"], exclude: ["recorded.h264"]),
    tests("LinuxGPIO", ["LinuxGPIO", "STTBuffers", "STTSample"]),
    tests("LinuxIIO", ["LinuxIIO", "STTBuffers", "STTSample"]),
    .target(
      name: "ModbusDevices", path: "Tests/LinuxModbus/Devices", exclude: ["devices.py"], swiftSettings: settings),
    tests("LinuxModbus", ["LinuxModbus", "ModbusDevices", "STTBuffers", "STTSample"], exclude: ["Devices"]),
    tests("LinuxProcess", ["LinuxProcess"]),
    tests("LinuxUDP", ["CLinux", "LinuxEvents", "LinuxUDP", "STTBuffers"]),
    tests("LinuxVideo", ["CLinux", "LinuxVideo", "STTBuffers", "STTSample"]),
    tests("Record", ["STC", "STTRecord", "STTSample"]),
    tests(
      "Recorder", ["STC", "STTCatalogue", "STTRecord", "STTRecorder", "STTSample", grdb],
      exclude: ["write_with_stock_mcap.py"]),
    tests("Session", ["STC", "STTBuffers", "STTSession", "STTWire", containers]),
    tests(
      "Simulation", ["SimulationWorld", "STC", "STTBuffers", "STTIngest", "STTSession", "STTWire"],
      exclude: ["Program", "World"]),
    tests("Tidy", []),
    tests("Trials", ["RecordingTrials"], exclude: ["Program", "World"]),
    tests(
      "Vectors", ["SimulationWorld", "STC", "STTIngest", "STTSession", "STTWire"],
      exclude: ["decode.py", "parity", "transcripts"]),
    tests("WebSocket", ["STTWebSocket", .product(name: "NIOCore", package: "swift-nio")]),
    tests("Wire", ["STTChecksum", "STTWire"]),
  ],
  cxxLanguageStandard: .cxx17
)

if fuzzing {
  package.targets += [
    .target(name: "CLibFuzzer", path: "Tests/Fuzz/CLibFuzzer"),
    .executableTarget(
      name: "stt-fuzz", dependencies: ["CLibFuzzer", "FuzzInputs"], path: "Tests/Fuzz/Driver", swiftSettings: settings,
      linkerSettings: [.unsafeFlags(sanitizers + ["-use-ld=lld"])]),
  ]
}
